import { expect, test } from 'vitest'
import type { DeliveryCap } from '../../server/core/delivery-cap.ts'
import { NO_POLICY, type PolicySettings, policyFault } from '../../server/core/policy.ts'
import type { QuietHours } from '../../server/core/quiet-hours.ts'

const PATH = ['input'] as const
const NIGHT: QuietHours = { start: '22:00', end: '08:00', days: [], channels: [] }
const CAP: DeliveryCap = { limit: 3, windowMinutes: 60, channel: null, category: null }
const LONGEST = 'x'.repeat(255)

test('who has set nothing is told at all hours, as often as something happens', () => {
  expect(NO_POLICY).toEqual({ timeZone: null, quietHours: [], caps: [] })
})

test.each<[string, Partial<PolicySettings>]>([
  ['nothing', {}],
  ['nothing of each', NO_POLICY],
  ['a zone', { timeZone: 'Europe/Berlin' }],
  ['a night', { quietHours: [NIGHT] }],
  ['a night of some channels', { quietHours: [{ ...NIGHT, channels: ['sms', LONGEST] }] }],
  ['the least cap', { caps: [{ ...CAP, limit: 1, windowMinutes: 1 }] }],
  ['the largest cap', { caps: [{ ...CAP, limit: 1_000, windowMinutes: 525_600 }] }],
  ['a cap of a channel and a category', { caps: [{ ...CAP, channel: LONGEST, category: LONGEST }] }],
  ['twenty caps', { caps: Array(20).fill(CAP) }],
])('%s can be followed', (_, settings) => {
  expect(policyFault(settings, PATH)).toBeNull()
})

const LIMIT = 'must be 1 to 1000; to hear nothing at all of something, switch it off in the preferences'
const WINDOW = 'must be 1 to 525600'
const ZONE = 'is not an IANA time zone name, such as Europe/Berlin'

test.each<[Partial<PolicySettings>, readonly (string | number)[], string]>([
  [{ timeZone: 'Europe/Atlantis' }, ['timeZone'], ZONE],
  [{ timeZone: '' }, ['timeZone'], ZONE],
  [{ quietHours: [NIGHT, { ...NIGHT, channels: ['sms', ' '] }] }, ['quietHours', 1, 'channels', 1], 'is blank'],
  [
    { quietHours: [NIGHT, { ...NIGHT, end: '24:00' }] },
    ['quietHours', 1, 'end'],
    'must be a local time from 00:00 to 23:59, as "22:00"',
  ],
  [{ quietHours: Array(51).fill(NIGHT) }, ['quietHours'], 'are more than 50'],
  [{ quietHours: [{ ...NIGHT, end: '22:00' }] }, ['quietHours'], 'leave all channels but in_app no time of the week'],
  [{ caps: Array(21).fill(CAP) }, ['caps'], 'holds more than 20'],
  [{ caps: [CAP, { ...CAP, limit: 0 }] }, ['caps', 1, 'limit'], LIMIT],
  [{ caps: [{ ...CAP, limit: -1 }] }, ['caps', 0, 'limit'], LIMIT],
  [{ caps: [{ ...CAP, limit: 1.5 }] }, ['caps', 0, 'limit'], LIMIT],
  [{ caps: [{ ...CAP, limit: Number.NaN }] }, ['caps', 0, 'limit'], LIMIT],
  [{ caps: [{ ...CAP, limit: 1_001 }] }, ['caps', 0, 'limit'], LIMIT],
  [{ caps: [{ ...CAP, windowMinutes: 0 }] }, ['caps', 0, 'windowMinutes'], WINDOW],
  [{ caps: [{ ...CAP, windowMinutes: 0.5 }] }, ['caps', 0, 'windowMinutes'], WINDOW],
  [{ caps: [{ ...CAP, windowMinutes: 525_601 }] }, ['caps', 0, 'windowMinutes'], WINDOW],
  [{ caps: [{ ...CAP, channel: '' }] }, ['caps', 0, 'channel'], 'is blank'],
  [{ caps: [{ ...CAP, category: `${LONGEST}x` }] }, ['caps', 0, 'category'], 'is longer than 255 characters'],
])('%j is refused at %j: it %s', (settings, path, message) => {
  expect(policyFault(settings, PATH)).toEqual({ path: ['input', ...path], message })
})

test('of several faults the first is told: zone, quiet hours, caps, and of each the first', () => {
  const wrong = {
    timeZone: 'x',
    quietHours: [{ ...NIGHT, start: 'x' }],
    caps: [
      { ...CAP, channel: '', category: '' },
      { ...CAP, limit: 0 },
    ],
  }
  const placeOf = (settings: Partial<PolicySettings>) => policyFault(settings, [])?.path
  expect(placeOf(wrong)).toEqual(['timeZone'])
  expect(placeOf({ ...wrong, timeZone: null })).toEqual(['quietHours', 0, 'start'])
  expect(placeOf({ ...wrong, timeZone: 'UTC', quietHours: [NIGHT] })).toEqual(['caps', 0, 'channel'])
})
