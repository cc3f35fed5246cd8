import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DigestWindow } from '../../server/core/digest-rule.ts'
import { endsAtAfter, windowFor, windowZone } from '../../server/core/digest-window.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const iso = (at: Date | number): string => new Date(at).toISOString().replace(':00.000Z', 'Z')
const isoOf = ({ startsAt, endsAt }: { startsAt: Date; endsAt: Date }): [string, string] => [iso(startsAt), iso(endsAt)]

const fixed = (minutes: number): DigestWindow => ({ kind: 'fixed', minutes })
const sliding = (minutes: number, maxMinutes: number): DigestWindow => ({ kind: 'sliding', minutes, maxMinutes })
const boundary = (time: string, timeZone: string | null = null): DigestWindow => ({ kind: 'boundary', time, timeZone })

test.each([
  [30, '2026-01-15T10:05Z', '2026-01-15T10:00Z', '2026-01-15T10:30Z'],
  [30, '2026-01-15T10:29:59.999Z', '2026-01-15T10:00Z', '2026-01-15T10:30Z'],
  [30, '2026-01-15T10:30Z', '2026-01-15T10:30Z', '2026-01-15T11:00Z'],
  [1_440, '2026-01-15T23:59Z', '2026-01-15T00:00Z', '2026-01-16T00:00Z'],
  // The epoch was a Thursday.
  [10_080, '2026-01-14T12:00Z', '2026-01-08T00:00Z', '2026-01-15T00:00Z'],
  [7, '1970-01-01T00:00Z', '1970-01-01T00:00Z', '1970-01-01T00:07Z'],
  [7, '1969-12-31T23:59Z', '1969-12-31T23:53Z', '1970-01-01T00:00Z'],
])('slots of %i minutes are aligned to the epoch: %s lies in %s to %s', (minutes, at, start, end) => {
  expect(isoOf(windowFor(fixed(minutes), new Date(at), 'Asia/Kathmandu'))).toEqual([start, end])
})

test('slots hold each instant once, and end where the next begins', () => {
  const anyInstant = fc.integer({ min: Date.UTC(1960, 0), max: Date.UTC(2060, 0) })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 525_600 }), anyInstant, (minutes, at) => {
      const { startsAt, endsAt } = windowFor(fixed(minutes), new Date(at), 'UTC')
      expect(startsAt.getTime()).toBeLessThanOrEqual(at)
      expect(endsAt.getTime()).toBeGreaterThan(at)
      expect(endsAt.getTime() - startsAt.getTime()).toBe(minutes * MINUTE)
      expect(windowFor(fixed(minutes), endsAt, 'UTC').startsAt).toEqual(endsAt)
      expect(windowFor(fixed(minutes), new Date(startsAt.getTime() - 1), 'UTC').endsAt).toEqual(startsAt)
    }),
    { numRuns: 1_000 },
  )
})

test.each([
  // Nothing special, and both edges.
  ['09:30', 'America/New_York', '2026-01-15T14:30Z', '2026-01-15T14:30Z', '2026-01-16T14:30Z'],
  ['09:30', 'America/New_York', '2026-01-15T14:29:59.999Z', '2026-01-14T14:30Z', '2026-01-15T14:30Z'],
  ['08:00', 'Asia/Kathmandu', '2026-06-01T12:00Z', '2026-06-01T02:15Z', '2026-06-02T02:15Z'],
  // In a gap: the first instant after it.
  ['02:30', 'America/New_York', '2026-03-08T07:00Z', '2026-03-08T07:00Z', '2026-03-09T06:30Z'],
  ['02:30', 'America/New_York', '2026-03-08T06:59:59.999Z', '2026-03-07T07:30Z', '2026-03-08T07:00Z'],
  // Twice: the later.
  ['01:30', 'America/New_York', '2026-11-01T06:29Z', '2026-10-31T05:30Z', '2026-11-01T06:30Z'],
  ['01:30', 'America/New_York', '2026-11-01T06:30Z', '2026-11-01T06:30Z', '2026-11-02T06:30Z'],
  // Midnight does not come, and comes twice.
  ['00:00', 'America/Havana', '2026-03-08T05:00Z', '2026-03-08T05:00Z', '2026-03-09T04:00Z'],
  ['00:00', 'America/Havana', '2026-11-01T04:30Z', '2026-10-31T04:00Z', '2026-11-01T05:00Z'],
  // Half an hour of summer time.
  ['02:15', 'Australia/Lord_Howe', '2026-10-03T16:00Z', '2026-10-03T15:30Z', '2026-10-04T15:15Z'],
  ['01:45', 'Australia/Lord_Howe', '2026-04-04T15:00Z', '2026-04-03T14:45Z', '2026-04-04T15:15Z'],
  // The day that Samoa skipped: its boundary is the end of the gap, and one at midnight is the next day's too.
  ['09:00', 'Pacific/Apia', '2011-12-30T09:59Z', '2011-12-29T19:00Z', '2011-12-30T10:00Z'],
  ['09:00', 'Pacific/Apia', '2011-12-30T10:00Z', '2011-12-30T10:00Z', '2011-12-30T19:00Z'],
  ['00:00', 'Pacific/Apia', '2011-12-30T10:00Z', '2011-12-30T10:00Z', '2011-12-31T10:00Z'],
])('at %s in %s, %s lies in %s to %s', (time, zone, at, start, end) => {
  expect(isoOf(windowFor(boundary(time), new Date(at), zone))).toEqual([start, end])
})

/* What the boundaries of a zone must be, by Intl and nothing of the code under test. */

/** What a wall clock shows, as if it were UTC. */
const wallClockOf = (zone: string): ((at: number) => number) => {
  const clock = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
    hourCycle: 'h23',
  })
  return (at) => Date.parse(`${clock.format(at).replace(' ', 'T')}Z`)
}

/** A stretch of time in which a zone's clock runs evenly. */
interface Stretch {
  readonly from: number
  readonly until: number
  readonly offset: number
}

const stretchesOf = (zone: string, from: number, until: number): readonly Stretch[] => {
  const wallClock = wallClockOf(zone)
  const offsetAt = (at: number): number => wallClock(at) - at
  const stretches: Stretch[] = []
  let since = from
  for (let at = from; at < until; at += 6 * HOUR) {
    if (offsetAt(at) === offsetAt(at + 6 * HOUR)) continue
    let [low, high] = [at, at + 6 * HOUR]
    while (high - low > MINUTE) {
      const middle = low + Math.floor((high - low) / 2 / MINUTE) * MINUTE
      if (offsetAt(middle) === offsetAt(at)) low = middle
      else high = middle
    }
    stretches.push({ from: since, until: high, offset: offsetAt(at) })
    since = high
  }
  return [...stretches, { from: since, until, offset: offsetAt(since) }]
}

/** When the clock shows this, or anything before it, for the last time. */
const goneFor = (local: number, stretches: readonly Stretch[]): number => {
  for (const { from, until, offset } of stretches.toReversed()) {
    if (local - offset >= from) return Math.min(until, local - offset)
  }
  throw new Error('before the first of these stretches')
}

const TIMES = [0, 1, 30, 90, 120, 135, 150, 540, 1_410, 1_439]
const clockText = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`

/** Each over two years in which its clock does what few others do. */
const AWKWARD = [
  ['Pacific/Apia', 2011, 'a day that was skipped'],
  ['America/Havana', 2025, 'changes at midnight'],
  ['America/Sao_Paulo', 2017, 'midnights that do not come'],
  ['Asia/Beirut', 2025, 'changes at midnight'],
  ['Africa/Casablanca', 2025, 'two changes within five weeks'],
  ['Europe/Dublin', 2025, 'winter time that is the exception'],
  ['Australia/Lord_Howe', 2025, 'half an hour of summer time'],
  ['Pacific/Chatham', 2025, 'three quarters of an hour'],
  ['Asia/Kathmandu', 1985, 'a quarter of an hour that was skipped'],
  ['Antarctica/Troll', 2025, 'two hours at once'],
  ['America/St_Johns', 2010, 'changes a minute after midnight'],
  ['Asia/Pyongyang', 2015, 'half an hour set back for good'],
] as const

test.each(AWKWARD)('daily boundaries in %s tile two years from %i, with %s', (zone, year) => {
  const [first, last] = [Date.UTC(year, 0, 5), Date.UTC(year + 2, 0, 5)]
  const stretches = stretchesOf(zone, first - 8 * DAY, last + 8 * DAY)
  expect(stretches.length).toBeGreaterThan(1)
  for (const minute of TIMES) {
    const expected = new Set<number>()
    for (let day = Math.floor(first / DAY) - 3; day <= Math.floor(last / DAY) + 3; day++) {
      expected.add(goneFor(day * DAY + minute * MINUTE, stretches))
    }
    const rule = boundary(clockText(minute))
    const walked: number[] = []
    const torn: string[] = []
    let { startsAt: edge } = windowFor(rule, new Date(first), zone)
    while (edge.getTime() <= last) {
      walked.push(edge.getTime())
      const { startsAt, endsAt } = windowFor(rule, edge, zone)
      const atItsEnd = windowFor(rule, new Date(endsAt.getTime() - 1), zone)
      const seen = [startsAt, atItsEnd.startsAt, atItsEnd.endsAt].map(Number)
      if (String(seen) !== String([edge, edge, endsAt].map(Number))) torn.push(iso(edge))
      edge = endsAt
    }
    expect(torn).toEqual([])
    const [begin = 0] = walked
    const wanted = [...expected].filter((at) => at >= begin && at <= last).sort((a, b) => a - b)
    expect(walked.map(iso)).toEqual(wanted.map(iso))
  }
})

test('whatever the zone and the time, each instant lies in exactly one window of a day', () => {
  const zones = Intl.supportedValuesOf('timeZone')
  const moment = fc.oneof(
    fc.record({
      zone: fc.constantFrom(...zones),
      at: fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2060, 0) }),
    }),
    fc
      .tuple(fc.constantFrom(...AWKWARD), fc.integer({ min: 0, max: 730 * DAY }))
      .map(([[zone, year], away]) => ({ zone: zone as string, at: Date.UTC(year, 0) + away })),
  )
  fc.assert(
    fc.property(moment, fc.integer({ min: 0, max: 1_439 }), ({ zone, at }, minute) => {
      const rule = boundary(clockText(minute))
      const { startsAt, endsAt } = windowFor(rule, new Date(at), zone)
      expect(startsAt.getTime()).toBeLessThanOrEqual(at)
      expect(endsAt.getTime()).toBeGreaterThan(at)
      expect(windowFor(rule, endsAt, zone).startsAt).toEqual(endsAt)
      expect(windowFor(rule, new Date(startsAt.getTime() - 1), zone).endsAt).toEqual(startsAt)
      // However clocks are changed, nobody waits for two days.
      expect(endsAt.getTime() - startsAt.getTime()).toBeLessThan(2 * DAY)
    }),
    { numRuns: 1_000 },
  )
})

test.each([
  [boundary('09:00', 'Asia/Tokyo'), 'Europe/Berlin', 'Asia/Tokyo'],
  [boundary('09:00'), 'Europe/Berlin', 'Europe/Berlin'],
  [boundary('09:00'), 'Europe/Atlantis', 'UTC'],
  [boundary('09:00', 'Europe/Atlantis'), 'Europe/Berlin', 'UTC'],
])(
  "a rule's own zone comes before the recipient's, and one that nobody knows is UTC: %j for %s",
  (rule, zone, expected) => {
    expect(windowZone(rule, zone)).toBe(expected)
  },
)

test('a sliding window begins with its first item', () => {
  const now = new Date('2026-01-15T12:34:56.789Z')
  expect(windowFor(sliding(10, 60), now, 'UTC')).toEqual({
    startsAt: now,
    endsAt: new Date('2026-01-15T12:44:56.789Z'),
  })
})

test('a sliding window ends so long after its last item, unless its first is too old: never shorter, never longer', () => {
  const shape = fc
    .tuple(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 0, max: 2_000 }))
    .map(([minutes, more]) => ({ minutes, maxMinutes: minutes + more }))
  fc.assert(
    fc.property(shape, fc.array(fc.nat(300 * MINUTE)), ({ minutes, maxMinutes }, gaps) => {
      const rule = sliding(minutes, maxMinutes)
      const firstItemAt = new Date('2026-01-15T12:00:00.000Z')
      let { endsAt } = windowFor(rule, firstItemAt, 'UTC')
      let last = firstItemAt.getTime()
      for (const gap of gaps) {
        if (last + gap >= endsAt.getTime()) break
        last += gap
        const longer = endsAtAfter(rule, { firstItemAt, endsAt }, new Date(last))
        expect(longer.getTime()).toBeGreaterThanOrEqual(endsAt.getTime())
        endsAt = longer
      }
      const length = endsAt.getTime() - firstItemAt.getTime()
      expect(length).toBe(Math.min(last - firstItemAt.getTime() + minutes * MINUTE, maxMinutes * MINUTE))
      expect(length).toBeGreaterThanOrEqual(minutes * MINUTE)
      expect(length).toBeLessThanOrEqual(maxMinutes * MINUTE)
      expect(endsAt.getTime()).toBeGreaterThan(last)
    }),
    { numRuns: 500 },
  )
})

test('a further item moves the end of no window but a sliding one', () => {
  const bucket = { firstItemAt: new Date('2026-01-15T12:00Z'), endsAt: new Date('2026-01-15T13:00Z') }
  for (const rule of [fixed(60), boundary('13:00')]) {
    expect(endsAtAfter(rule, bucket, new Date('2026-01-15T12:59Z'))).toBe(bucket.endsAt)
  }
})
