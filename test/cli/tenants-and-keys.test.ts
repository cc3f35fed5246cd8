import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { until } from '../support/until.ts'
import { ask, PROCESS_TEST_MS, runCarillon } from './carillon-process.ts'
import { typed } from './typed.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

const run = (...args: string[]) => typed(args, { DATABASE_URL: carillon.databaseUrl })

test('tenants are made once, under names that can be one, and listed with what they have', async () => {
  const made = await run('tenants', 'create', 'globex')
  expect([made.code, made.stdout]).toEqual([0, 'Created the tenant globex.\n'])
  const again = await run('tenants', 'create', 'globex', '--json')
  const wrong = await run('tenants', 'create', 'No Such Name')
  expect([again.code, JSON.parse(again.stdout)]).toEqual([1, { id: 'globex', created: false }])
  expect([wrong.code, wrong.stdout]).toEqual([1, ''])
  expect(wrong.stderr).toContain('cannot be the name of a tenant')
  const words = await run('tenants', 'list')
  const json = await run('tenants', 'list', '--json')
  expect(words.stdout).toMatch(/^TENANT +KEYS +RECIPIENTS +LAST EVENT +CREATED\nacme +2 +0 +never/)
  expect(JSON.parse(json.stdout)).toMatchObject({
    tenants: [
      { id: 'acme', keyCount: 2, recipientCount: 0, lastEventAt: null },
      { id: 'globex', keyCount: 0 },
    ],
  })
})

test(
  'a key is shown once, opens what its scopes say, is listed without itself, and ends when it is revoked',
  async () => {
    const creation = ['keys', 'create', '--tenant', 'acme', '--scope', 'TRIGGER', '--label', 'billing']
    const made = await runCarillon(creation, { DATABASE_URL: carillon.databaseUrl })
    expect(made.stdout).toMatch(/^ck_[\w-]{43}\n$/)
    const key = made.stdout.trim()
    expect(await ask(carillon.graphqlUrl, key, '{ viewer { tenantId scopes } }')).toEqual({
      data: { viewer: { tenantId: 'acme', scopes: ['TRIGGER'] } },
    })
    const listed = await run('keys', 'list', '--tenant', 'acme', '--json')
    const { keys } = JSON.parse(listed.stdout) as { keys: readonly { id: string; label: string }[] }
    const id = keys.find(({ label }) => label === 'billing')?.id as string
    expect(made.stderr).toContain(id)
    expect(listed.stdout).not.toContain(key)

    const revoked = await run('keys', 'revoke', id)
    expect([revoked.code, revoked.stdout]).toEqual([0, `Revoked ${id} of acme (billing).\n`])
    await until('the running server refuses it', async () => {
      const response = await ask(carillon.graphqlUrl, key, '{ viewer { tenantId } }')
      return response.errors !== undefined
    })
    const again = await run('keys', 'revoke', key)
    const missing = await run('keys', 'revoke', 'ck_unknown')
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining(`${id} of acme (billing) was revoked`)])
    expect([missing.code, missing.stderr]).toEqual([1, expect.not.stringContaining('ck_unknown')])
  },
  PROCESS_TEST_MS,
)

test('a tenant is shut out by revoking all its keys', async () => {
  await run('keys', 'create', '--tenant', 'initech', '--scope', 'OPERATE')
  const revoked = await run('keys', 'revoke', '--tenant', 'initech', '--all', '--json')
  expect(JSON.parse(revoked.stdout)).toMatchObject({ revoked: [{ tenantId: 'initech', before: false }], notFound: 0 })
  const { rows } = await carillon.sql.query(
    'select tenant_id, count(*)::int as keys from api_key where revoked_at is null group by 1 order by 1',
  )
  expect(rows).toEqual([{ tenant_id: 'acme', keys: 2 }])
})
