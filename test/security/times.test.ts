import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../server/app.ts'
import { durationMs } from '../../server/core/duration.ts'
import { isTimeZone, minuteOfDay } from '../../server/core/zoned-time.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { greeting } from '../support/notifiers.ts'
import { TRIGGER, triggerInput } from '../support/trigger.ts'
import { leastCpuMs } from './least-cpu.ts'
import { tallyOf } from './tally.ts'

let carillon: TestCarillon
const tally = tallyOf('S26')
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
})
afterAll(async () => {
  await carillon.close()
  tally.report()
})

const LONG = 50_000
const ZONES = [
  '../../etc/passwd',
  '../../../usr/share/zoneinfo/UTC',
  '/etc/localtime',
  'posix/Europe/Berlin',
  'Europe/../Europe/Berlin',
  'Etc/GMT+99',
  'Etc/GMT+15',
  'GMT+2',
  'UTC+2',
  '+02:00',
  '+99:99',
  'Europe/Atlantis',
  'Europe',
  'Europe/Berlin\0',
  'Europe/Berlin ',
  ' Europe/Berlin',
  'Europe/Berlin\r\nx: y',
  "Europe/Berlin'; set timezone to 'x",
  'PST8',
  '__proto__',
  'constructor',
  '',
  ' ',
  '٠',
  'Ｅurope/Berlin',
  'A'.repeat(LONG),
  'Europe/'.repeat(LONG / 7),
  `Europe/Berlin${' '.repeat(LONG)}`,
]
const CLOCKS = [
  '24:00',
  '99:99',
  '-1:00',
  '1:00',
  '01:60',
  '01:00:00',
  '* * * * *',
  '* * * * * *',
  '0 0 31 2 *',
  '@reboot',
  '',
  '0'.repeat(LONG),
  '٠١:٠٠',
  'NaN',
  '08:00\n',
]
const INSTANTS = [
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T25:00:00Z',
  '2026-01-01T00:00:60.5Z',
  '2026-01-01',
  'tomorrow',
  'infinity',
  '-infinity',
  'epoch',
  '+275760-09-13T00:00:00.001Z',
  '99999-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '0',
  '1e400',
  '',
  '2026-01-01T00:00:00+99:99',
  "2026-01-01T00:00:00Z'; --",
  '2'.repeat(LONG),
]

const MAX_CPU_MS = 50

const POLICY = 'mutation ($i: SetPolicySettingsInput!) { setPolicySettings(input: $i) { preferences { recipientId } } }'
const UPSERT = 'mutation ($i: UpsertRecipientsInput!) { upsertRecipients(input: $i) { recipients { id } } }'
const RULE = 'mutation ($i: DigestRuleInput!) { upsertDigestRule(input: $i) { __typename } }'
const SIMULATE = 'query ($i: SimulateTriggerInput!) { simulateTrigger(input: $i) { at } }'
const SNOOZE = 'mutation ($i: SnoozeInput!) { snooze(input: $i) { affectedCount } }'
const trigger = TRIGGER.replaceAll('$input', '$i')
const rule = (changes: object) => ({
  key: `daily by ${Object.keys(changes)}`,
  version: 1,
  channel: 'email',
  groupBy: 'CATEGORY',
  windowKind: 'BOUNDARY',
  boundaryTime: '08:00',
  ...changes,
})

/** Each place that takes a zone, a time of day, or an instant, with what to ask there. */
const PLACES: readonly (readonly [string, readonly string[], string, (text: string) => object])[] = [
  ['the zone of a recipient’s settings', ZONES, POLICY, (timeZone) => ({ recipientId: 'ada', timeZone })],
  ['the zone of a recipient', ZONES, UPSERT, (timeZone) => ({ recipients: [{ id: 'ada', timeZone }] })],
  [
    'the zone of a trigger’s recipient',
    ZONES,
    trigger,
    (timeZone) => triggerInput({ recipients: [{ id: 'ada', timeZone }] }),
  ],
  ['the zone of a digest', ZONES, RULE, (boundaryTimeZone) => rule({ boundaryTimeZone })],
  ['the time of a digest', CLOCKS, RULE, (boundaryTime) => rule({ boundaryTime })],
  [
    'the start of quiet hours',
    CLOCKS,
    POLICY,
    (start) => ({ recipientId: 'ada', quietHours: [{ start, end: '08:00' }] }),
  ],
  ['the end of quiet hours', CLOCKS, POLICY, (end) => ({ recipientId: 'ada', quietHours: [{ start: '22:00', end }] })],
  ['when a trigger is sent', INSTANTS, trigger, (sendAt) => triggerInput({ sendAt })],
  ['when a trigger expires', INSTANTS, trigger, (expiresAt) => triggerInput({ expiresAt })],
  [
    'the moment of a simulation',
    INSTANTS,
    SIMULATE,
    (at) => ({ notificationKey: 'greeting', payload: { text: 'x' }, recipients: [{ id: 'ada' }], at }),
  ],
  ['until when an item is hidden', INSTANTS, SNOOZE, (until) => ({ recipientId: 'ada', ids: [], until })],
]

test.each(PLACES)('what is no time is none as %s, and is refused at once', async (place, texts, query, inputOf) => {
  for (const text of texts) {
    const what = `${place}: ${JSON.stringify(text.slice(0, 40))}`
    const codes = new Set<unknown>()
    const ask = async () => {
      const { errors } = await carillon.ask(carillon.operatorKey, query, { i: inputOf(text) })
      for (const { extensions } of errors) codes.add(extensions['code'])
      if (errors.length === 0) codes.add('taken')
    }
    const least = await leastCpuMs(ask, MAX_CPU_MS)
    tally.tried(`${what} was ${[...codes].join()}`, [...codes].join() !== 'BAD_USER_INPUT')
    expect(least, what).toBeLessThan(MAX_CPU_MS)
  }
  // It is for its time that each was refused.
  const right = texts === ZONES ? 'Europe/Berlin' : texts === CLOCKS ? '08:30' : '2999-01-01T00:00:00Z'
  expect((await carillon.ask(carillon.operatorKey, query, { i: inputOf(right) })).errors).toEqual([])
})

test('a configuration with such times is refused before anything starts', () => {
  readConfig({ notifiers: [greeting], defaults: { timeZone: 'Europe/Berlin' } })
  for (const timeZone of ZONES) {
    let refused = false
    try {
      readConfig({ notifiers: [greeting], defaults: { timeZone } })
    } catch {
      refused = true
    }
    tally.tried(`the server’s zone: ${timeZone.slice(0, 40)}`, !refused)
  }
})

test('no text is a length of time, a zone or a time of day by chance', () => {
  for (const text of [...ZONES, ...CLOCKS, ...INSTANTS, '1e9s', '١s', '5 m', '-5m', '5M', `${'9'.repeat(LONG)}`, 'P1D'])
    tally.tried(text.slice(0, 40), durationMs(text) !== null || isTimeZone(text) || minuteOfDay(text) !== null)
})
