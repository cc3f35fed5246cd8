import { afterAll, beforeAll, expect, test } from 'vitest'
import { memory } from '../../server/index.ts'
import { createApiKey } from '../../server/operations/credentials.ts'
import { disableTenant, enableTenant, revokeRecipientTokens } from '../../server/operations/tenants.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { mention } from '../support/notifiers.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { until } from '../support/until.ts'

const UPDATES = 'subscription { inboxUpdates { counts { total } } }'
const TAIL = 'subscription { deliveryUpdates { id } }'
const VIEWER = '{ viewer { tenantId } }'

const mail = memory()

let carillon: TestCarillon
beforeAll(async () => {
  const config = { notifiers: [mention], adapters: { email: mail } }
  carillon = await startCarillon(config, { streams: { recheckKeysEveryMs: 50 } })
})
afterAll(() => carillon.close())

const keysOf = async (tenantId: string) => {
  const keys = await carillon.addTenant(tenantId)
  const tokenFor = async (recipientId: string): Promise<string> => {
    const mutation = 'mutation ($input: CreateRecipientTokenInput!) { createRecipientToken(input: $input) { token } }'
    return (await carillon.ok(keys.backendKey, mutation, { input: { recipientId } })).createRecipientToken.token
  }
  return { ...keys, tokenFor }
}

test('what is open by a disabled tenant’s keys and tokens ends, what comes is told why, and all is well once it is enabled', async () => {
  const { hub, tail, db } = carillon.app
  const { operatorKey, tokenFor } = await keysOf('shut')
  const token = await tokenFor('ada')
  const [byToken, byKey] = [
    await openRawSocket(carillon.wsUrl, { token }),
    await openRawSocket(carillon.wsUrl, { token: operatorKey }),
  ]
  const neighbour = await openRawSocket(carillon.wsUrl, { token: await carillon.tokenFor('ada') })
  byToken.subscribe('1', UPDATES)
  byKey.subscribe('1', TAIL)
  neighbour.subscribe('1', UPDATES)
  await until('all follow', () => hub.subscriberCount === 2 && tail.followerCount === 1)
  await disableTenant(db, 'shut')
  expect([(await byToken.closure()).code, (await byKey.closure()).code]).toEqual([4403, 4403])
  await until('what they followed is freed', () => hub.subscriberCount === 1 && tail.followerCount === 0)
  for (const credential of [operatorKey, token]) {
    const answer = await until('it is refused', async () => {
      const given = await carillon.ask(credential, VIEWER)
      return given.status === 200 ? null : given
    })
    expect([answer.status, answer.errors[0]?.extensions['code']]).toEqual([403, 'FORBIDDEN'])
    expect(answer.errors[0]?.message).toContain('The tenant "shut" is disabled')
    const socket = await openRawSocket(carillon.wsUrl, { token: credential })
    expect(await socket.closure()).toEqual({
      code: 4403,
      reason: 'FORBIDDEN: The tenant "shut" is disabled: whoever runs this service can enable it again',
    })
    expect(socket.messages).toEqual([])
  }
  expect((await carillon.ask('ck_guessed', VIEWER)).errors[0]?.message).not.toContain('disabled')
  expect(neighbour.closed).toBeNull()
  await enableTenant(db, 'shut')
  for (const credential of [operatorKey, token]) {
    await until('it is let in again', async () => (await carillon.ask(credential, VIEWER)).status === 200)
  }
  await neighbour.end()
})

test('a tenant of the longest name is told as much of it as a close has room for', async () => {
  const name = 'n'.repeat(63)
  const { operatorKey } = await keysOf(name)
  await disableTenant(carillon.app.db, name)
  const socket = await openRawSocket(carillon.wsUrl, { token: operatorKey })
  const { code, reason } = await socket.closure()
  expect([code, reason.length]).toEqual([4403, 123])
  expect(reason).toContain(`FORBIDDEN: The tenant "${name}" is disabled: `)
})

test('what is open by a tenant’s tokens ends when they are revoked, and what is open by a key goes on', async () => {
  const { operatorKey, tokenFor } = await keysOf('renewing')
  const byToken = await openRawSocket(carillon.wsUrl, { token: await tokenFor('ada') })
  const byKey = await openRawSocket(carillon.wsUrl, { token: operatorKey })
  await revokeRecipientTokens(carillon.app.db, 'renewing')
  expect((await byToken.closure()).code).toBe(4403)
  expect(byKey.closed).toBeNull()
  await byKey.end()
})

test('what is open by a key ends when that expires', async () => {
  const { app, sql, tenantId } = carillon
  const expiresAt = new Date(Date.now() + 3_600_000)
  const key = await createApiKey(app.db, { tenantId, scopes: ['OPERATE'], label: 'passing', expiresAt })
  const socket = await openRawSocket(carillon.wsUrl, { token: key })
  expect(socket.closed).toBeNull()
  await sql.query(`update api_key set expires_at = clock_timestamp() where label = 'passing'`)
  expect((await socket.closure()).code).toBe(4403)
})

test('what a tenant had accepted before it was disabled is carried out', async () => {
  const { backendKey } = await keysOf('paused')
  await carillon.ok(backendKey, 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }', {
    input: {
      notificationKey: 'comment.mentioned',
      idempotencyKey: 'before',
      payload: { author: 'Bob' },
      recipients: [{ id: 'ada', email: 'ada@example.test' }],
    },
  })
  await disableTenant(carillon.app.db, 'paused')
  expect(mail.messages).toEqual([])
  await carillon.drainJobs()
  expect(mail.messages).toHaveLength(1)
})
