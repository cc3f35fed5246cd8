import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadPolicies, type PolicyRow } from '../../server/db/sql/load-policies.ts'
import { toPolicy } from '../../server/operations/policy-settings.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { refusalOf } from '../support/trigger.ts'

const POLICY = `recipientId policy {
  timeZone quietHours { start end days channels } caps { limit windowMinutes channel category }
}`
const SET = `mutation ($input: SetPolicySettingsInput!) { setPolicySettings(input: $input) { preferences { ${POLICY} } } }`

const NOTHING = { timeZone: null, quietHours: [], caps: [] }
const NIGHT = { start: '22:00', end: '08:00', days: [], channels: [] }
const HOURLY = { limit: 5, windowMinutes: 60, channel: null, category: null }

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

const set = async (token: string, input: object) =>
  (await carillon.ok(token, SET, { input })).setPolicySettings.preferences.policy

const policyOf = async (token: string) => (await carillon.ok(token, `{ preferences { ${POLICY} } }`)).preferences.policy

test('who never set anything is told at all hours, as often as something happens', async () => {
  expect(await policyOf(await carillon.tokenFor('new'))).toEqual(NOTHING)
})

test('what is left out stays, and null forgets it', async () => {
  const token = await carillon.tokenFor('ada')
  const all = { timeZone: 'Europe/Berlin', quietHours: [NIGHT], caps: [HOURLY] }
  expect(await set(token, all)).toEqual(all)
  expect(await set(token, {})).toEqual(all)
  expect(await set(token, { timeZone: null })).toEqual({ ...all, timeZone: null })
  expect(await set(token, { quietHours: null, timeZone: 'America/New_York' })).toEqual({
    timeZone: 'America/New_York',
    quietHours: [],
    caps: [HOURLY],
  })
  expect(await set(token, { caps: [] })).toEqual({ ...NOTHING, timeZone: 'America/New_York' })
  expect(await policyOf(token)).toEqual({ ...NOTHING, timeZone: 'America/New_York' })
})

test('days and channels come back once each, days in the order of the week', async () => {
  const token = await carillon.tokenFor('bob')
  const quietHours = [
    { start: '01:00', end: '02:30', days: ['SUNDAY', 'MONDAY', 'SUNDAY'], channels: ['push', 'in_app', 'push'] },
    { start: '12:00', end: '13:00', days: null },
  ]
  const caps = [{ limit: 1, windowMinutes: 525_600, channel: 'sms', category: 'billing' }]
  expect(await set(token, { quietHours, caps })).toEqual({
    timeZone: null,
    quietHours: [
      { start: '01:00', end: '02:30', days: ['MONDAY', 'SUNDAY'], channels: ['push', 'in_app'] },
      { start: '12:00', end: '13:00', days: [], channels: [] },
    ],
    caps,
  })
})

const cap = (change: object) => ({ caps: [HOURLY, { ...HOURLY, ...change }] })
const hours = (change: object) => ({ quietHours: [NIGHT, { ...NIGHT, ...change }] })
const repeat = <T>(count: number, one: T): readonly T[] => Array.from({ length: count }, () => one)

test.each([
  ['a zone that is none', { timeZone: 'Mars/Olympus' }, 'timeZone'],
  ['an offset, which knows no summer time', { timeZone: '+02:00' }, 'timeZone'],
  ['a blank zone', { timeZone: '' }, 'timeZone'],
  ['a start that is no time of day', hours({ start: '24:00' }), 'quietHours.1.start'],
  ['a start in another form', hours({ start: '9:00' }), 'quietHours.1.start'],
  ['an end that is no time of day', hours({ end: '08:60' }), 'quietHours.1.end'],
  ['a channel that is blank', hours({ channels: ['email', ' '] }), 'quietHours.1.channels.1'],
  ['a channel too long', hours({ channels: ['x'.repeat(256)] }), 'quietHours.1.channels.0'],
  ['a channel that cannot be stored', hours({ channels: ['a\0'] }), 'quietHours.1.channels.0'],
  ['too many channels', hours({ channels: Array.from({ length: 21 }, (_, i) => `c${i}`) }), 'quietHours.1.channels'],
  ['too many quiet hours', { quietHours: repeat(51, NIGHT) }, 'quietHours'],
  ['no free instant of the week', { quietHours: [{ start: '00:00', end: '00:00' }] }, 'quietHours'],
  ['a cap of none', cap({ limit: 0 }), 'caps.1.limit'],
  ['a cap too high', cap({ limit: 1_001 }), 'caps.1.limit'],
  ['no window', cap({ windowMinutes: 0 }), 'caps.1.windowMinutes'],
  ['a window of more than a year', cap({ windowMinutes: 525_601 }), 'caps.1.windowMinutes'],
  ['a cap on a blank channel', cap({ channel: ' ' }), 'caps.1.channel'],
  ['a cap on a blank category', cap({ category: '' }), 'caps.1.category'],
  ['a category too long', cap({ category: 'x'.repeat(256) }), 'caps.1.category'],
  ['too many caps', { caps: repeat(21, HOURLY) }, 'caps'],
])('%s is refused with its place, and nothing of the call is stored', async (_, given, path) => {
  const token = await carillon.tokenFor('dan')
  const answer = await carillon.ask(token, SET, { input: { timeZone: 'Europe/Berlin', caps: [HOURLY], ...given } })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: `input.${path}` })
  expect(answer.errors[0]?.message).toContain(path)
  expect(await policyOf(token)).toEqual(NOTHING)
})

test('as much as is allowed is stored', async () => {
  const token = await carillon.tokenFor('eve')
  const quietHours = repeat(50, NIGHT)
  const caps = repeat(20, { ...HOURLY, limit: 1_000 })
  expect(await set(token, { quietHours, caps })).toEqual({ timeZone: null, quietHours, caps })
})

test('parts that are set at once do not undo each other', async () => {
  const token = await carillon.tokenFor('fay')
  const parts = [{ timeZone: 'Asia/Tokyo' }, { quietHours: [NIGHT] }, { caps: [HOURLY] }, { timeZone: 'Asia/Tokyo' }]
  await Promise.all([...parts, ...parts].map((part) => set(token, part)))
  expect(await policyOf(token)).toEqual({ timeZone: 'Asia/Tokyo', quietHours: [NIGHT], caps: [HOURLY] })
})

test('a key may set them for anyone, and has to say for whom', async () => {
  for (const key of [carillon.backendKey, carillon.operatorKey]) {
    const { setPolicySettings } = await carillon.ok(key, SET, { input: { recipientId: ' gus ', caps: [HOURLY] } })
    expect(setPolicySettings.preferences).toEqual({ recipientId: 'gus', policy: { ...NOTHING, caps: [HOURLY] } })
    const answer = await carillon.ask(key, SET, { input: { caps: [HOURLY] } })
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipientId' })
  }
})

test('the settings of many are read at once, as the planner knows them', async () => {
  const token = await carillon.tokenFor('hal')
  await set(token, { quietHours: [{ ...NIGHT, days: ['FRIDAY'] }], caps: [HOURLY] })
  const keys = ['hal', 'gus', 'nobody'].map((recipientId) => ({ tenantId: 'acme', recipientId }))
  const foreign = { tenantId: 'other', recipientId: 'hal' }
  const { rows } = await carillon.app.db.system.query<PolicyRow>(loadPolicies([...keys, foreign]))
  const found = Object.fromEntries(rows.map((row) => [`${row.tenant_id}/${row.recipient_id}`, toPolicy(row)]))
  expect(found).toEqual({
    'acme/hal': { timeZone: null, quietHours: [{ ...NIGHT, days: ['friday'] }], caps: [HOURLY] },
    'acme/gus': { ...NOTHING, caps: [HOURLY] },
  })
})
