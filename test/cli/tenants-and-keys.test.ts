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
  expect(words.stdout).toMatch(/^TENANT +KEYS +RECIPIENTS +LAST EVENT +CREATED +STATE\nacme +2 +0 +never .* enabled\n/)
  expect(JSON.parse(json.stdout)).toMatchObject({
    tenants: [
      { id: 'acme', keyCount: 2, recipientCount: 0, lastEventAt: null },
      { id: 'globex', keyCount: 0, disabledAt: null, removingAt: null },
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

test('a tenant is disabled, enabled and listed as what it is, and who is wrong about it is told so', async () => {
  await run('tenants', 'create', 'umbrella')
  const [disabled, again] = [await run('tenants', 'disable', 'umbrella'), await run('tenants', 'disable', 'umbrella')]
  expect([disabled.code, disabled.stdout]).toEqual([0, 'Disabled the tenant umbrella.\n'])
  expect([again.code, again.stdout, again.stderr]).toEqual([0, '', expect.stringContaining('is disabled since')])
  expect((await run('tenants', 'list')).stdout).toMatch(/\numbrella .* disabled since \d{4}-/)
  const early = await run('keys', 'create', '--tenant', 'umbrella', '--scope', 'TRIGGER')
  expect(early.stderr).toContain('refused until the tenant is enabled: carillon tenants enable umbrella')
  const enabled = await run('tenants', 'enable', 'umbrella', '--json')
  expect([enabled.code, JSON.parse(enabled.stdout)]).toEqual([0, { id: 'umbrella', before: false }])
  expect((await run('tenants', 'enable', 'umbrella')).stderr).toContain('is not disabled')
  for (const verb of ['disable', 'enable', 'remove']) {
    const wrong = await run('tenants', verb, 'nobody', ...(verb === 'remove' ? ['--yes'] : []))
    expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
      1,
      '',
      expect.stringContaining('There is no tenant "nobody"'),
    ])
  }
})

test('a tenant is removed once it has been disabled for a minute, by who says yes', async () => {
  await run('keys', 'create', '--tenant', 'hooli', '--scope', 'TRIGGER')
  const unasked = await run('tenants', 'remove', 'hooli')
  expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining('--yes')])
  const enabled = await run('tenants', 'remove', 'hooli', '--yes')
  expect([enabled.code, enabled.stderr]).toEqual([1, expect.stringContaining('carillon tenants disable hooli')])
  await run('tenants', 'disable', 'hooli')
  const early = await run('tenants', 'remove', 'hooli', '--yes')
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('less than a minute ago')])
  await carillon.sql.query(`update tenant set disabled_at = disabled_at - interval '1 minute' where id = 'hooli'`)
  const removed = await run('tenants', 'remove', 'hooli', '--yes', '--json')
  expect([removed.code, JSON.parse(removed.stdout)]).toEqual([0, { id: 'hooli', removed: { api_key: 1 } }])
  expect((await run('tenants', 'list')).stdout).not.toContain('hooli')
  expect((await run('tenants', 'remove', 'hooli', '--yes')).code).toBe(1)
})

test('a key ends when it was said to, and is shown with that', async () => {
  const create = ['keys', 'create', '--tenant', 'pied-piper', '--scope', 'TRIGGER', '--label', 'passing']
  for (const wrong of ['yesterday', '2001-01-01T00:00:00Z', '0d', '9999999999d']) {
    const refused = await run(...create, '--expires', wrong)
    expect([wrong, refused.code, refused.stdout]).toEqual([wrong, 2, ''])
  }
  const made = await run(...create, '--expires', '90d', '--json')
  const { id, expiresAt } = JSON.parse(made.stdout) as { id: string; expiresAt: string }
  expect(Math.abs(new Date(expiresAt).getTime() - Date.now() - 90 * 86_400_000)).toBeLessThan(600_000)
  const listed = async (...more: string[]) => {
    const { stdout } = await run('keys', 'list', '--tenant', 'pied-piper', '--json', ...more)
    return (JSON.parse(stdout) as { keys: readonly object[] }).keys
  }
  expect(await listed()).toEqual([expect.objectContaining({ id, expiresAt, expired: false, lastUsedAt: null })])
  await carillon.sql.query(`update api_key set expires_at = clock_timestamp() where label = 'passing'`)
  expect(await listed()).toEqual([])
  expect(await listed('--all')).toEqual([expect.objectContaining({ id, expired: true, revokedAt: null })])
  expect((await run('keys', 'list', '--all', '--tenant', 'pied-piper')).stdout).toMatch(
    /LAST USED +EXPIRES +STATE +LABEL\n.* never .* expired +passing/,
  )
})

test('all recipient tokens of a tenant are revoked by a word, its keys are not', async () => {
  const token = await carillon.tokenFor('ada')
  const revoked = await run('keys', 'revoke', '--tenant', 'acme', '--tokens', '--json')
  expect([revoked.code, JSON.parse(revoked.stdout)]).toEqual([0, { revoked: [], notFound: 0, tokensOf: 'acme' }])
  await until(
    'the running server refuses it',
    async () => (await carillon.ask(token, '{ viewer { tenantId } }')).status === 401,
  )
  expect((await carillon.ask(carillon.backendKey, '{ viewer { tenantId } }')).status).toBe(200)
  for (const wrong of [['--tokens'], ['--tenant', 'acme'], ['ck_some', '--tenant', 'acme', '--tokens']]) {
    expect((await run('keys', 'revoke', ...wrong)).code).toBe(2)
  }
})
