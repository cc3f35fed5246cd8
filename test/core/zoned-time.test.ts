import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  describeInstant,
  endOf,
  isTimeZone,
  localDayOf,
  minuteOfDay,
  startOf,
  weekdayOf,
} from '../../server/core/zoned-time.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const ZONES = Intl.supportedValuesOf('timeZone')

const clocks = new Map<string, Intl.DateTimeFormat>()
const clockOf = (zone: string): Intl.DateTimeFormat => {
  const clock =
    clocks.get(zone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium', hourCycle: 'h23' })
  clocks.set(zone, clock)
  return clock
}

/** What a wall clock shows, by Intl and nothing of the code under test, as if it were UTC. */
const wallClock = (at: number, zone: string): number => Date.parse(`${clockOf(zone).format(at).replace(' ', 'T')}Z`)

const local = (text: string) => {
  const at = Date.parse(`${text}Z`)
  return { day: Math.floor(at / DAY), minute: (((at % DAY) + DAY) % DAY) / MINUTE }
}
const iso = (at: number): string => new Date(at).toISOString().replace(':00.000Z', 'Z')

test.each([
  ['Europe/Berlin', true],
  ['europe/berlin', true],
  ['UTC', true],
  ['Etc/GMT+5', true],
  ['America/Argentina/Buenos_Aires', true],
  ['Asia/Calcutta', true],
  ['+02:00', false],
  ['-05', false],
  ['GMT+2', false],
  ['Europe/Atlantis', false],
  [' Europe/Berlin', false],
  ['', false],
])('whether %j is a time zone: %s', (name, expected) => {
  expect(isTimeZone(name)).toBe(expected)
})

test('every zone that is accepted can be reckoned with', () => {
  for (const zone of [...ZONES, 'EST5EDT', 'US/Pacific', 'Asia/Calcutta', 'GMT', 'Etc/GMT-14']) {
    expect(isTimeZone(zone)).toBe(true)
    expect(startOf(20_000, 0, zone)).toBeLessThanOrEqual(endOf(20_000, 0, zone))
  }
  expect(() => startOf(20_000, 0, 'Europe/Atlantis')).toThrow(RangeError)
})

test.each([
  // Nothing special.
  ['America/New_York', '2026-01-15T08:00', '2026-01-15T13:00Z', '2026-01-15T13:00Z'],
  ['Asia/Kathmandu', '2026-06-01T08:00', '2026-06-01T02:15Z', '2026-06-01T02:15Z'],
  ['Pacific/Chatham', '2026-06-01T08:00', '2026-05-31T19:15Z', '2026-05-31T19:15Z'],
  // Gaps: both edges, and what is inside.
  ['America/New_York', '2026-03-08T01:59', '2026-03-08T06:59Z', '2026-03-08T06:59Z'],
  ['America/New_York', '2026-03-08T02:00', '2026-03-08T07:00Z', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-03-08T02:30', '2026-03-08T07:00Z', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-03-08T03:00', '2026-03-08T07:00Z', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-03-08T03:01', '2026-03-08T07:01Z', '2026-03-08T07:01Z'],
  ['Australia/Lord_Howe', '2026-10-04T02:15', '2026-10-03T15:30Z', '2026-10-03T15:30Z'],
  ['Pacific/Chatham', '2026-09-27T03:00', '2026-09-26T14:00Z', '2026-09-26T14:00Z'],
  ['Asia/Kathmandu', '1986-01-01T00:07', '1985-12-31T18:30Z', '1985-12-31T18:30Z'],
  ['Antarctica/Troll', '2026-03-29T02:30', '2026-03-29T01:00Z', '2026-03-29T01:00Z'],
  ['America/Sao_Paulo', '2018-11-04T00:00', '2018-11-04T03:00Z', '2018-11-04T03:00Z'],
  ['America/Caracas', '2016-05-01T02:45', '2016-05-01T07:00Z', '2016-05-01T07:00Z'],
  ['Asia/Pyongyang', '2018-05-04T23:45', '2018-05-04T15:00Z', '2018-05-04T15:00Z'],
  // A skipped day is a long gap.
  ['Pacific/Apia', '2011-12-29T23:59', '2011-12-30T09:59Z', '2011-12-30T09:59Z'],
  ['Pacific/Apia', '2011-12-30T08:00', '2011-12-30T10:00Z', '2011-12-30T10:00Z'],
  ['Pacific/Apia', '2011-12-31T00:00', '2011-12-30T10:00Z', '2011-12-30T10:00Z'],
  ['Pacific/Apia', '2011-12-31T08:00', '2011-12-30T18:00Z', '2011-12-30T18:00Z'],
  // Times that come twice, and their edges.
  ['America/New_York', '2026-11-01T00:59', '2026-11-01T04:59Z', '2026-11-01T04:59Z'],
  ['America/New_York', '2026-11-01T01:00', '2026-11-01T05:00Z', '2026-11-01T06:00Z'],
  ['America/New_York', '2026-11-01T01:30', '2026-11-01T05:30Z', '2026-11-01T06:30Z'],
  ['America/New_York', '2026-11-01T02:00', '2026-11-01T07:00Z', '2026-11-01T07:00Z'],
  ['Australia/Lord_Howe', '2026-04-05T01:45', '2026-04-04T14:45Z', '2026-04-04T15:15Z'],
  ['Pacific/Chatham', '2026-04-05T03:00', '2026-04-04T13:15Z', '2026-04-04T14:15Z'],
  ['Antarctica/Troll', '2026-10-25T01:30', '2026-10-24T23:30Z', '2026-10-25T01:30Z'],
  ['America/St_Johns', '2010-11-06T23:30', '2010-11-07T02:00Z', '2010-11-07T03:00Z'],
  ['America/St_Johns', '2010-11-07T00:00', '2010-11-07T02:30Z', '2010-11-07T03:30Z'],
  ['America/Caracas', '2007-12-09T02:45', '2007-12-09T06:45Z', '2007-12-09T07:15Z'],
  ['Asia/Pyongyang', '2015-08-14T23:45', '2015-08-14T14:45Z', '2015-08-14T15:15Z'],
  // Turkey set its clocks back in the autumn of 2015, and stayed with summer time in 2016.
  ['Europe/Istanbul', '2015-11-08T03:30', '2015-11-08T00:30Z', '2015-11-08T01:30Z'],
  ['Europe/Istanbul', '2016-10-30T03:30', '2016-10-30T00:30Z', '2016-10-30T00:30Z'],
])('in %s, what starts at %s starts at %s, and what ends then ends at %s', (zone, text, start, end) => {
  const { day, minute } = local(text)
  expect([iso(startOf(day, minute, zone)), iso(endOf(day, minute, zone))]).toEqual([start, end])
})

/** Where clocks were changed, so that what is random meets a change. */
const CHANGES = [
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Pacific/Chatham', '2026-09-26T14:00Z'],
  ['Antarctica/Troll', '2026-03-29T01:00Z'],
  ['Antarctica/Troll', '2026-10-25T01:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['Pacific/Kwajalein', '1993-08-21T12:00Z'],
  ['America/St_Johns', '2010-11-07T02:31Z'],
  ['America/Caracas', '2007-12-09T07:00Z'],
  ['Asia/Pyongyang', '2018-05-04T15:00Z'],
  ['America/Boa_Vista', '2000-10-08T04:00Z'],
  ['America/Boa_Vista', '2000-10-15T03:00Z'],
  ['Africa/Casablanca', '2026-02-15T02:00Z'],
] as const

const nearChange = fc
  .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -26 * 60, max: 26 * 60 }))
  .map(([[zone, change], minutes]) => ({ zone, at: Date.parse(change) + minutes * MINUTE }))
const anywhere = fc.record({
  zone: fc.constantFrom(...ZONES),
  at: fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2060, 0) }),
})
const moment = fc.oneof(nearChange, anywhere)

test('a start is when the clock first gets there, an end when it is there for the last time', () => {
  fc.assert(
    fc.property(moment, ({ zone, at }) => {
      const meant = Math.floor(wallClock(at, zone) / MINUTE) * MINUTE
      const [day, minute] = [Math.floor(meant / DAY), (meant % DAY) / MINUTE]
      const start = startOf(day, minute, zone)
      const end = endOf(day, minute, zone)
      expect(start).toBeLessThanOrEqual(end)
      expect(wallClock(start, zone)).toBeGreaterThanOrEqual(meant)
      expect(wallClock(end, zone)).toBeGreaterThanOrEqual(meant)
      if (wallClock(end, zone) !== meant) expect(wallClock(end - 1_000, zone)).toBeLessThan(meant)
      for (let away = 1_000; away < 27 * HOUR; away += 20 * MINUTE) {
        expect(wallClock(start - away, zone)).toBeLessThan(meant)
        expect(wallClock(end + away, zone)).toBeGreaterThan(meant)
      }
    }),
    { numRuns: 250 },
  )
})

test('what is later by the wall clock neither starts nor ends earlier', () => {
  const minutes = fc.integer({ min: 0, max: 3 * 1440 })
  fc.assert(
    fc.property(nearChange, minutes, ({ zone, at }, ahead) => {
      const earlier = Math.floor(at / MINUTE)
      const later = earlier + ahead
      const edge = (of: typeof startOf, minute: number): number => of(Math.floor(minute / 1440), minute % 1440, zone)
      expect(edge(startOf, earlier)).toBeLessThanOrEqual(edge(startOf, later))
      expect(edge(endOf, earlier)).toBeLessThanOrEqual(edge(endOf, later))
    }),
    { numRuns: 2_000 },
  )
})

test('the day and weekday of an instant are those of the calendar on the wall', () => {
  fc.assert(
    fc.property(moment, ({ zone, at }) => {
      const day = localDayOf(new Date(at), zone)
      expect(day).toBe(Math.floor(wallClock(at, zone) / DAY))
      const weekday = new Intl.DateTimeFormat('en', { timeZone: 'UTC', weekday: 'short' }).format(day * DAY)
      expect(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][weekdayOf(day)]).toBe(weekday)
    }),
    { numRuns: 2_000 },
  )
})

test('days before 1970 have their weekday too', () => {
  expect([-4, -3, -1, 0, 3, 4].map(weekdayOf)).toEqual([6, 0, 2, 3, 6, 0])
})

test.each([
  ['00:00', 0],
  ['08:30', 510],
  ['23:59', 1439],
  ['24:00', null],
  ['8:30', null],
  ['08:60', null],
  ['08:30:00', null],
  [' 08:30', null],
  ['08:30\n', null],
  ['', null],
])('the wall clock %j is minute %s of its day', (clock, minute) => {
  expect(minuteOfDay(clock)).toBe(minute)
})

test.each([
  ['2026-01-16T07:00Z', 'Europe/Berlin', undefined, '08:00 Europe/Berlin (07:00 UTC)'],
  ['2026-01-16T07:00:59.999Z', 'Europe/Berlin', undefined, '08:00 Europe/Berlin (07:00 UTC)'],
  ['2026-01-16T07:00Z', 'Europe/Berlin', '2026-01-15T23:00Z', '08:00 Europe/Berlin (07:00 UTC)'],
  ['2026-01-16T07:00Z', 'Europe/Berlin', '2026-01-15T22:59Z', '2026-01-16 08:00 Europe/Berlin (07:00 UTC)'],
  [
    '2026-01-15T19:00Z',
    'Pacific/Auckland',
    '2026-01-14T12:00Z',
    '2026-01-16 08:00 Pacific/Auckland (2026-01-15 19:00 UTC)',
  ],
  ['2026-01-15T19:00Z', 'Pacific/Auckland', '2026-01-15T12:00Z', '08:00 Pacific/Auckland (19:00 UTC)'],
  ['2026-01-16T08:00Z', 'UTC', undefined, '08:00 UTC'],
  ['2026-01-16T08:00Z', 'UTC', '2026-01-15T08:00Z', '2026-01-16 08:00 UTC'],
])('%s in %s, seen from %s, reads as %s', (at, zone, from, expected) => {
  expect(describeInstant(new Date(at), zone, from === undefined ? undefined : new Date(from))).toBe(expected)
})
