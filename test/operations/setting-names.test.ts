import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { memory } from '../../server/index.ts'
import { logTelemetry } from '../../server/logging.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { invoice, mention } from '../support/notifiers.ts'
import { setPolicy, switchOff } from '../support/settings.ts'

let carillon: TestCarillon
let logged: Record<string, unknown>[] = []
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [invoice, mention], adapters: { email: memory() } })
  const write = (line: string): void => {
    const { tenantId, category, channel, notificationKey, msg } = JSON.parse(line)
    logged.push({ tenantId, category, channel, notificationKey, msg })
  }
  logTelemetry(carillon.app.telemetry, pino({}, { write }))
})
afterAll(() => carillon.close())
beforeEach(() => {
  logged = []
})

test('a preference about what no notifier has is stored, and the log is told of it once', async () => {
  await switchOff(carillon, 'ada', { category: 'biling' })
  await switchOff(carillon, 'bob', { category: 'biling', channel: 'email' })
  await switchOff(carillon, 'bob', { notificationKey: 'invoice.send', channel: 'fax' })
  const said = (kind: string) => `a setting names a ${kind} that no notifier has: is it misspelt?`
  expect(logged).toEqual([
    { tenantId: 'acme', category: 'biling', msg: said('category') },
    { tenantId: 'acme', notificationKey: 'invoice.send', msg: said('notificationKey') },
    { tenantId: 'acme', channel: 'fax', msg: said('channel') },
  ])
  expect((await carillon.sql.query('select from preference')).rowCount).toBe(3)
})

test('so it is with quiet hours and caps', async () => {
  await setPolicy(carillon, 'ada', {
    quietHours: [{ start: '22:00', end: '08:00', channels: ['in_app', 'e-mail'] }],
    caps: [
      { limit: 1, windowMinutes: 60, category: 'coments' },
      { limit: 1, windowMinutes: 60, channel: 'mail' },
    ],
  })
  expect(logged.map(({ category, channel }) => category ?? channel)).toEqual(['coments', 'e-mail', 'mail'])
})

test('what notifiers have, and what is forgotten, is nothing to tell of', async () => {
  for (const preference of [{ category: 'billing' }, { channel: 'in_app' }, { notificationKey: 'comment.mentioned' }]) {
    await switchOff(carillon, 'cid', preference)
  }
  const mutation = 'mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { __typename } }'
  const preferences = [{ category: 'gone', enabled: null }]
  await carillon.ok(carillon.backendKey, mutation, { input: { recipientId: 'cid', preferences } })
  await setPolicy(carillon, 'cid', { caps: [{ limit: 1, windowMinutes: 60, category: 'comments', channel: 'email' }] })
  expect(logged).toEqual([])
})
