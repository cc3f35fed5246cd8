import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readApiKeys, revokeKeys } from '../../../server/operations/api-keys.ts'
import { createApiKey, createCredentials, ensureTenant } from '../../../server/operations/credentials.ts'
import { removeTenant } from '../../../server/operations/tenant-removal.ts'
import { disableTenant, enableTenant, revokeRecipientTokens } from '../../../server/operations/tenants.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { watchTransactions } from '../../support/nothing-written.ts'
import { until } from '../../support/until.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

/** As another process that has just started sees it: with nothing remembered. */
const fresh = () => createCredentials(carillon.app.db, 'a-secret-key-for-tests-of-32-characters')

let tenantId: string
let key: string
let token: string
let count = 0
beforeEach(async () => {
  tenantId = `tenant-${count++}`
  await ensureTenant(carillon.app, tenantId)
  key = await createApiKey(carillon.app.db, { tenantId, scopes: ['TRIGGER'], label: tenantId })
  token = await tokenOf('ada')
})

const tokenOf = async (recipientId: string): Promise<string> =>
  (await fresh().createRecipientToken({ tenantId }, { recipientId })).token

test('of a disabled tenant, who holds a key or token of it is told so, and anybody else learns nothing', async () => {
  await disableTenant(carillon.app.db, tenantId)
  for (const credential of [key, token]) {
    await expect(fresh().authenticate(credential)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(fresh().authenticate(credential)).rejects.toThrow(`The tenant "${tenantId}" is disabled`)
  }
  expect(await fresh().authenticate(`${key}x`)).toBeNull()
  expect(await fresh().authenticate(`${token}x`)).toBeNull()
  await revokeKeys(carillon.app.db, { key })
  await revokeRecipientTokens(carillon.app.db, tenantId)
  expect(await fresh().authenticate(key)).toBeNull()
  expect(await fresh().authenticate(token)).toBeNull()
})

test('what was good before a tenant was disabled is good once it is enabled', async () => {
  const grants = [key, token].map((credential) => carillon.app.credentials.authenticate(credential))
  const names = (await Promise.all(grants)).map((principal) => principal?.grant as string)
  expect(await fresh().goodGrants(names)).toEqual(new Set(names))
  await disableTenant(carillon.app.db, tenantId)
  expect(await fresh().goodGrants(names)).toEqual(new Set())
  await enableTenant(carillon.app.db, tenantId)
  expect(await fresh().goodGrants(names)).toEqual(new Set(names))
  expect(await fresh().authenticate(key)).toMatchObject({ tenantId })
  expect(await fresh().authenticate(token)).toMatchObject({ tenantId, recipientId: 'ada' })
})

test('all tokens that a tenant was given end at once, those that it is given after that do not, and another keeps its own', async () => {
  const neighbours = await carillon.tokenFor('ada')
  await revokeRecipientTokens(carillon.app.db, tenantId)
  const renewed = await tokenOf('ada')
  expect(await fresh().authenticate(token)).toBeNull()
  expect(await fresh().authenticate(renewed)).toMatchObject({ tenantId, recipientId: 'ada' })
  expect(await fresh().authenticate(neighbours)).toMatchObject({ tenantId: 'acme' })
  await revokeRecipientTokens(carillon.app.db, tenantId)
  expect(await fresh().authenticate(renewed)).toBeNull()
  expect(await fresh().authenticate(key)).toMatchObject({ tenantId })
  // Its holder need not be told apart from one that comes back late.
  expect(await fresh().wasValid(token)).toBe(true)
})

test('tokens of before tenants had generations are good until the first revocation', async () => {
  await carillon.sql.query('update tenant set tokens_since = null where id = $1', [tenantId])
  const old = await tokenOf('ada')
  expect(JSON.parse(Buffer.from(old.split('.')[1] as string, 'base64url').toString())).not.toHaveProperty('gen')
  expect(await fresh().authenticate(old)).toMatchObject({ tenantId, recipientId: 'ada' })
  await revokeRecipientTokens(carillon.app.db, tenantId)
  expect(await fresh().authenticate(old)).toBeNull()
})

test('a tenant that takes a removed one’s name is not opened by what that had given out', async () => {
  await disableTenant(carillon.app.db, tenantId)
  await carillon.sql.query(`update tenant set disabled_at = disabled_at - interval '1 hour' where id = $1`, [tenantId])
  await removeTenant(carillon.app.db, tenantId)
  expect(await fresh().authenticate(token)).toBeNull()
  await ensureTenant(carillon.app, tenantId)
  expect(await fresh().authenticate(token)).toBeNull()
  expect(await fresh().authenticate(key)).toBeNull()
  expect(await fresh().authenticate(await tokenOf('ada'))).toMatchObject({ tenantId })
})

test('whoever still remembers a removed tenant, or that it was none, signs good tokens for the one that takes its name', async () => {
  const [sawDisabled, sawNone] = [fresh(), fresh()]
  await disableTenant(carillon.app.db, tenantId)
  await carillon.sql.query(`update tenant set disabled_at = disabled_at - interval '1 hour' where id = $1`, [tenantId])
  await expect(sawDisabled.authenticate(token)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await removeTenant(carillon.app.db, tenantId)
  expect(await sawNone.authenticate(token)).toBeNull()
  await ensureTenant(carillon.app, tenantId)
  for (const credentials of [sawDisabled, sawNone]) {
    const renewed = (await credentials.createRecipientToken({ tenantId }, { recipientId: 'ada' })).token
    expect(await fresh().authenticate(renewed)).toMatchObject({ tenantId, recipientId: 'ada' })
  }
})

test('while the database is away, a token of a tenant that was seen is still told from one that is not good', async () => {
  const credentials = fresh()
  await credentials.authenticate(token)
  carillon.app.db.letThrough(false)
  try {
    expect(await credentials.authenticate(token)).toMatchObject({ tenantId })
    await expect(fresh().authenticate(token)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await fresh().authenticate(`${token}x`)).toBeNull()
  } finally {
    carillon.app.db.letThrough(true)
  }
})

test('a key that has expired is refused like one that was revoked', async () => {
  const expiresAt = new Date(Date.now() + 3_600_000)
  const passing = await createApiKey(carillon.app.db, { tenantId, scopes: ['TRIGGER'], label: 'passing', expiresAt })
  const grant = (await fresh().authenticate(passing))?.grant as string
  expect(await fresh().goodGrants([grant])).toEqual(new Set([grant]))
  await carillon.sql.query(`update api_key set expires_at = clock_timestamp() where label = 'passing'`)
  expect(await fresh().authenticate(passing)).toBeNull()
  expect(await fresh().goodGrants([grant])).toEqual(new Set())
})

const lastUseOf = async () => (await readApiKeys(carillon.app.db, tenantId))[0]?.lastUsedAt ?? null

test('that a key is used is noted aside from its request, at most once in ten minutes', async () => {
  expect(await lastUseOf()).toBeNull()
  await fresh().authenticate(key)
  const first = await until('its use is noted', lastUseOf)
  expect(Math.abs(Date.now() - first.getTime())).toBeLessThan(600_000)
  const set = (ago: string) =>
    carillon.sql.query(`update api_key set last_used_at = clock_timestamp() - $2::interval where label = $1`, [
      tenantId,
      ago,
    ])
  await set('9 minutes')
  const noted = await lastUseOf()
  // One that is to be noted meanwhile, so that the other could have been.
  const other = await createApiKey(carillon.app.db, { tenantId: 'acme', scopes: ['TRIGGER'], label: 'other' })
  const both = fresh()
  await Promise.all([both.authenticate(key), both.authenticate(other)])
  await until('the other’s use is noted', async () => {
    return (await readApiKeys(carillon.app.db, 'acme')).find(({ label }) => label === 'other')?.lastUsedAt
  })
  expect(await lastUseOf()).toEqual(noted)
  await set('11 minutes')
  await fresh().authenticate(key)
  await until('it is noted again', async () => ((await lastUseOf()) as Date) > (noted as Date))
})

test('a use that cannot be noted fails nothing', async () => {
  const { statements } = watchTransactions(carillon)
  await carillon.sql.query('revoke update on api_key from carillon_app')
  try {
    expect(await fresh().authenticate(key)).toMatchObject({ tenantId })
    await until('noting it was tried', () => statements.some((text) => text.includes('update api_key')))
    expect(await fresh().authenticate(key)).toMatchObject({ tenantId })
    expect(await lastUseOf()).toBeNull()
  } finally {
    await carillon.sql.query('grant update on api_key to carillon_app')
  }
})
