import { isMainThread } from 'node:worker_threads'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import {
  freeAt,
  holding,
  MAX_QUIET_CHANNELS,
  MAX_QUIET_HOURS,
  type QuietHours,
  quietHoursFault,
  quietHoursFor,
  WEEKDAYS,
  type Weekday,
} from '../../server/core/quiet-hours.ts'

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

const quiet = (start: string, end: string, ...days: readonly Weekday[]): QuietHours => ({
  start,
  end,
  days,
  channels: [],
})
const minutesOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))
const isOn = (rule: QuietHours, wall: number): boolean =>
  rule.days.length === 0 || rule.days.includes(WEEKDAYS[(new Date(wall).getUTCDay() + 6) % 7] as Weekday)

/** Whether somebody who looks at the clock on the wall, and no further, would call it quiet. */
const looksQuiet = (at: number, rules: readonly QuietHours[], zone: string): boolean => {
  const wall = wallClock(at, zone)
  const minute = Math.floor((((wall % DAY) + DAY) % DAY) / MINUTE)
  return rules.some((rule) => {
    const [start, end] = [minutesOf(rule.start), minutesOf(rule.end)]
    if (start < end) return isOn(rule, wall) && start <= minute && minute < end
    return (isOn(rule, wall) && minute >= start) || (isOn(rule, wall - DAY) && minute < end)
  })
}

const rule: fc.Arbitrary<QuietHours> = fc
  .record({
    from: fc.integer({ min: 0, max: 1439 }),
    until: fc.integer({ min: 0, max: 1439 }),
    days: fc.oneof(fc.constant([]), fc.subarray([...WEEKDAYS])),
  })
  .map(({ from, until, days }) => ({ start: clock(from), end: clock(until), days, channels: [] }))
const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
const settings = fc.array(rule, { maxLength: 5 }).filter((rules) => quietHoursFault(rules) === null)

/** Where clocks were changed, with the instant. */
const CHANGES = [
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Pacific/Chatham', '2026-04-04T14:00Z'],
  ['Pacific/Chatham', '2026-09-26T14:00Z'],
  ['Asia/Kathmandu', '1985-12-31T18:30Z'],
  ['Antarctica/Troll', '2026-03-29T01:00Z'],
  ['Antarctica/Troll', '2026-10-25T01:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['America/St_Johns', '2010-11-07T02:31Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00Z'],
  ['America/Caracas', '2007-12-09T07:00Z'],
  ['America/Caracas', '2016-05-01T07:00Z'],
  ['Asia/Pyongyang', '2015-08-14T15:00Z'],
  ['Asia/Pyongyang', '2018-05-04T15:00Z'],
  ['Europe/Istanbul', '2015-11-08T01:00Z'],
  ['Europe/Istanbul', '2016-03-27T01:00Z'],
  ['America/Boa_Vista', '2000-10-08T04:00Z'],
] as const

const nearChange = fc
  .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -3 * DAY, max: 3 * DAY }))
  .map(([[zone, change], away]) => ({ zone, at: Date.parse(change) + away }))
const anywhere = fc.record({
  zone: fc.constantFrom(...ZONES),
  at: fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2060, 0) }),
})
const moment: fc.Arbitrary<{ readonly zone: string; readonly at: number }> = fc.oneof(nearChange, anywhere)

test.each([
  // Over midnight, by either side of it, and both edges: the start is inside, the end is not.
  ['America/New_York', '2026-01-15T03:30Z', [quiet('22:00', '08:00')], '2026-01-15T13:00Z'],
  ['America/New_York', '2026-01-15T12:59:59.999Z', [quiet('22:00', '08:00')], '2026-01-15T13:00Z'],
  ['America/New_York', '2026-01-15T13:00Z', [quiet('22:00', '08:00')], '2026-01-15T13:00Z'],
  ['America/New_York', '2026-01-15T02:59:59.999Z', [quiet('22:00', '08:00')], '2026-01-15T02:59:59.999Z'],
  ['America/New_York', '2026-01-15T03:00Z', [quiet('22:00', '08:00')], '2026-01-15T13:00Z'],
  ['UTC', '2026-01-15T12:34:56.789Z', [], '2026-01-15T12:34:56.789Z'],
  // An end in a gap, and one that comes twice.
  ['America/New_York', '2026-03-08T06:30Z', [quiet('01:00', '02:30')], '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T05:30Z', [quiet('01:00', '01:30')], '2026-11-01T06:30Z'],
  ['America/New_York', '2026-11-01T05:00Z', [quiet('22:00', '01:00')], '2026-11-01T06:00Z'],
  ['America/New_York', '2026-11-01T06:00Z', [quiet('22:00', '02:00')], '2026-11-01T07:00Z'],
  // A start in a gap begins right after it; a window that lies in a gap is none.
  ['America/New_York', '2026-03-08T07:00Z', [quiet('02:30', '04:00')], '2026-03-08T08:00Z'],
  ['America/New_York', '2026-03-08T06:59Z', [quiet('02:30', '04:00')], '2026-03-08T06:59Z'],
  ['America/New_York', '2026-03-08T07:00Z', [quiet('02:10', '02:50')], '2026-03-08T07:00Z'],
  // A start that comes twice begins the first time, and lasts when the clock is set back before it.
  ['America/New_York', '2026-11-01T05:45Z', [quiet('01:45', '03:00')], '2026-11-01T08:00Z'],
  ['America/New_York', '2026-11-01T06:00Z', [quiet('01:45', '03:00')], '2026-11-01T08:00Z'],
  ['America/New_York', '2026-11-01T05:44Z', [quiet('01:45', '03:00')], '2026-11-01T05:44Z'],
  // Clocks set back over midnight show the day before again, with the next day's quiet hours begun.
  ['America/St_Johns', '2010-11-07T03:00Z', [quiet('00:00', '06:00')], '2010-11-07T09:30Z'],
  ['America/St_Johns', '2010-11-07T02:30:30Z', [quiet('23:40', '23:30', 'friday')], '2010-11-07T03:00Z'],
  // Odd offsets and half-hour changes.
  ['Asia/Kathmandu', '2026-06-01T02:00Z', [quiet('22:00', '08:00')], '2026-06-01T02:15Z'],
  ['Pacific/Chatham', '2026-06-01T12:00Z', [quiet('22:00', '08:00')], '2026-06-01T19:15Z'],
  ['Australia/Lord_Howe', '2026-04-04T14:50Z', [quiet('01:00', '01:45')], '2026-04-04T15:15Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:10Z', [quiet('01:00', '02:15')], '2026-10-03T15:30Z'],
  ['Antarctica/Troll', '2026-03-29T00:30Z', [quiet('00:00', '02:30')], '2026-03-29T01:00Z'],
  ['Antarctica/Troll', '2026-10-25T00:30Z', [quiet('00:00', '01:30')], '2026-10-25T01:30Z'],
  // Apia had no Friday, 30 December 2011: what ends or starts on it does so at Saturday's midnight.
  ['Pacific/Apia', '2011-12-30T09:00Z', [quiet('22:00', '08:00', 'thursday')], '2011-12-30T10:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z', [quiet('22:00', '08:00', 'friday')], '2011-12-30T18:00Z'],
  ['Pacific/Apia', '2011-12-30T09:00Z', [quiet('22:00', '08:00')], '2011-12-30T18:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z', [quiet('09:00', '17:00', 'friday')], '2011-12-30T10:00Z'],
  // Rules that were changed: Turkey kept its summer time, the others moved by half an hour.
  ['Europe/Istanbul', '2016-01-15T05:30Z', [quiet('22:00', '08:00')], '2016-01-15T06:00Z'],
  ['Europe/Istanbul', '2017-01-15T04:30Z', [quiet('22:00', '08:00')], '2017-01-15T05:00Z'],
  ['Asia/Pyongyang', '2015-08-14T20:00Z', [quiet('22:00', '08:00')], '2015-08-14T23:30Z'],
  ['Asia/Pyongyang', '2018-05-04T20:00Z', [quiet('22:00', '08:00')], '2018-05-04T23:00Z'],
  ['America/Caracas', '2016-05-01T06:00Z', [quiet('22:00', '08:00')], '2016-05-01T12:00Z'],
  // 2026-01-17 is a Saturday. Days are those on which a rule starts.
  ['UTC', '2026-01-17T03:00Z', [quiet('22:00', '08:00', 'friday')], '2026-01-17T08:00Z'],
  ['UTC', '2026-01-17T03:00Z', [quiet('22:00', '08:00', 'saturday')], '2026-01-17T03:00Z'],
  ['UTC', '2026-01-17T23:00Z', [quiet('22:00', '08:00', 'saturday')], '2026-01-18T08:00Z'],
  ['UTC', '2026-01-17T00:00Z', [quiet('00:00', '00:00', 'saturday', 'sunday')], '2026-01-19T00:00Z'],
  // Overlapping and adjacent ones are one, in whatever order they stand.
  ['UTC', '2026-01-17T22:30Z', [quiet('07:00', '09:00'), quiet('22:00', '08:00')], '2026-01-18T09:00Z'],
  ['UTC', '2026-01-17T22:30Z', [quiet('08:00', '09:00'), quiet('22:00', '08:00')], '2026-01-18T09:00Z'],
  ['UTC', '2026-01-17T22:30Z', [quiet('08:01', '09:00'), quiet('22:00', '08:00')], '2026-01-18T08:00Z'],
  ['UTC', '2026-01-17T10:00Z', [quiet('09:00', '18:00'), quiet('11:00', '12:00')], '2026-01-17T18:00Z'],
  // One free minute a week is found, also where a gap swallows it in the first of two weeks.
  [
    'America/New_York',
    '2026-03-01T08:00Z',
    [
      quiet('03:00', '02:00', 'sunday'),
      quiet('00:00', '00:00', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'),
      quiet('00:00', '02:00', 'sunday'),
      quiet('03:00', '00:00', 'sunday'),
    ],
    '2026-03-15T06:00Z',
  ],
] as const)('in %s, what is due at %s by %j goes at %s', (zone, now, rules, expected) => {
  expect(freeAt(new Date(now), rules, zone)).toEqual(new Date(expected))
})

test('what is not held goes at the very instant that was asked about', () => {
  const now = new Date('2026-01-15T12:00Z')
  expect(freeAt(now, [quiet('22:00', '08:00')], 'Europe/Berlin')).toBe(now)
})

test('the answer is never before now, never within quiet hours, and final', () => {
  fc.assert(
    fc.property(moment, settings, ({ zone, at }, rules) => {
      const free = freeAt(new Date(at), rules, zone)
      expect(free.getTime()).toBeGreaterThanOrEqual(at)
      expect(holding(free, rules, zone)).toEqual([])
      expect(freeAt(free, rules, zone)).toBe(free)
      expect(looksQuiet(free.getTime(), rules, zone)).toBe(false)
    }),
    { numRuns: 1_000 },
  )
})

test('it is held as long as any rule holds it', () => {
  fc.assert(
    fc.property(moment, settings, ({ zone, at }, rules) => {
      const now = new Date(at)
      const free = freeAt(now, rules, zone)
      expect(holding(now, rules, zone).length > 0).toBe(free > now)
      if (free > now) expect(holding(new Date(free.getTime() - 1), rules, zone)).not.toEqual([])
    }),
    { numRuns: 1_000 },
  )
})

test('what is due later never goes earlier', () => {
  fc.assert(
    fc.property(moment, settings, fc.integer({ min: 0, max: 3 * DAY }), ({ zone, at }, rules, later) => {
      const [first, second] = [freeAt(new Date(at), rules, zone), freeAt(new Date(at + later), rules, zone)]
      expect(first.getTime()).toBeLessThanOrEqual(second.getTime())
    }),
    { numRuns: 1_000 },
  )
})

test('a rule cut in two, whatever the order, is the same rule', () => {
  fc.assert(
    fc.property(moment, rule, fc.integer({ min: 1, max: 1439 }), ({ zone, at }, whole, after) => {
      const start = minutesOf(whole.start)
      const length = (minutesOf(whole.end) - start + 1439) % 1440
      fc.pre(after <= length && start + after < 1440)
      const cut = clock(start + after)
      const [first, second] = [
        { ...whole, end: cut },
        { ...whole, start: cut },
      ]
      const now = new Date(at)
      const expected = freeAt(now, [whole], zone)
      expect(freeAt(now, [first, second], zone)).toEqual(expected)
      expect(freeAt(now, [second, first, whole], zone)).toEqual(expected)
    }),
    { numRuns: 1_000 },
  )
})

test('away from changes of the clock, it is the first minute at which the clock on the wall shows none of it', () => {
  let walked = 0
  fc.assert(
    fc.property(anywhere, settings, ({ zone, at }, rules) => {
      const offset = (time: number): number => wallClock(time, zone) - Math.floor(time / 1_000) * 1_000
      for (let day = -3; day <= 9; day++) fc.pre(offset(at + day * DAY) === offset(at))
      let expected = at
      if (looksQuiet(at, rules, zone)) {
        expected = Math.ceil(at / MINUTE) * MINUTE
        while (looksQuiet(expected, rules, zone)) expected += MINUTE
        walked++
      }
      expect(freeAt(new Date(at), rules, zone).getTime()).toBe(expected)
    }),
    { numRuns: 500, maxSkipsPerRun: 10 },
  )
  expect(walked).toBeGreaterThan(100)
})

/** A zone's clock, minute by minute, by which the rules' own words about gaps and repeated times can be acted out. */
const diaryOf = (zone: string, from: number, minutes: number) => {
  const walls = Array.from({ length: minutes }, (_, index) => wallClock(from + index * MINUTE, zone))
  const reached = walls.slice()
  for (let index = 1; index < minutes; index++) {
    reached[index] = Math.max(reached[index] as number, reached[index - 1] as number)
  }
  const passed = walls.slice()
  for (let index = minutes - 2; index >= 0; index--) {
    passed[index] = Math.min(passed[index] as number, passed[index + 1] as number)
  }
  const firstOf = (ascending: readonly number[], wall: number): number => {
    let [low, high] = [0, minutes]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ascending[middle] as number) < wall) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    firstDay: Math.floor((walls[0] as number) / DAY),
    lastDay: Math.floor((walls[minutes - 1] as number) / DAY),
    /** The first minute at which the clock has got there. */
    start: (wall: number) => firstOf(reached, wall),
    /** The last minute at which it shows this, or else the one after the last at which it shows less. */
    end: (wall: number) => {
      const after = firstOf(passed, wall + MINUTE)
      return walls[after - 1] === wall ? after - 1 : after
    },
  }
}

test.each(CHANGES)('in %s around %s, gaps and repeated times are kept to the minute', (zone, change) => {
  const minutes = 20 * 1440
  const from = Date.parse(change) - 5 * DAY
  const diary = diaryOf(zone, from, minutes)
  fc.assert(
    fc.property(settings, fc.array(fc.integer({ min: -2 * DAY, max: 2 * DAY }), { minLength: 5 }), (rules, moments) => {
      const marked = new Uint8Array(minutes)
      for (let day = diary.firstDay; day <= diary.lastDay; day++) {
        for (const rule of rules.filter((rule) => isOn(rule, day * DAY))) {
          const [start, end] = [minutesOf(rule.start), minutesOf(rule.end)]
          const until = diary.end((day + (end <= start ? 1 : 0)) * DAY + end * MINUTE)
          const since = diary.start(day * DAY + start * MINUTE)
          if (since < until) marked.fill(1, since, until)
        }
      }
      for (const away of moments) {
        const at = Date.parse(change) + away
        const minute = Math.floor((at - from) / MINUTE)
        const free = marked.indexOf(0, minute)
        const expected = free === minute ? at : from + free * MINUTE
        expect(iso(freeAt(new Date(at), rules, zone))).toBe(iso(new Date(expected)))
      }
    }),
    { numRuns: 100 },
  )
})
const iso = (at: Date): string => at.toISOString()

const HOST_ZONE = process.env['TZ']
afterEach(() => {
  if (HOST_ZONE === undefined) delete process.env['TZ']
  else process.env['TZ'] = HOST_ZONE
})

const HABITS: readonly (readonly QuietHours[])[] = [
  [quiet('22:00', '08:00')],
  [quiet('01:00', '02:30')],
  [quiet('23:30', '00:15'), quiet('02:15', '03:05')],
  [
    quiet('18:00', '09:00', 'monday', 'tuesday', 'wednesday', 'thursday'),
    quiet('18:00', '18:00', 'friday', 'saturday'),
  ],
  [quiet('18:00', '09:00', 'sunday'), quiet('00:00', '00:00', 'saturday', 'sunday'), quiet('12:00', '13:00')],
]

/** The same numbers every time, in [0, 1). */
const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

// The time zone is the process's: a thread cannot have another.
test.skipIf(!isMainThread).each(['Pacific/Apia', 'America/St_Johns'])(
  '100,000 answers are outside quiet hours by the clock on the wall, on a server in %s too',
  (host) => {
    process.env['TZ'] = host
    expect(new Date(2026, 6, 1).getTimezoneOffset()).toBe({ 'Pacific/Apia': -780, 'America/St_Johns': 150 }[host])
    const random = seeded(7)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
    const wrong: unknown[] = []
    let held = 0
    for (let count = 0; count < 100_000; count++) {
      const [changed, change] = pick(CHANGES)
      const near = count % 2 === 0
      const zone = near ? changed : pick(ZONES)
      const at = Math.floor(
        near
          ? Date.parse(change) + (random() - 0.5) * 4 * DAY
          : Date.UTC(2000 + random() * 60, 0) + random() * 365 * DAY,
      )
      const rules = pick(HABITS)
      const free = freeAt(new Date(at), rules, zone).getTime()
      if (free > at) held++
      const early = free > at && !looksQuiet(free - 1, rules, zone) && !near
      if (free < at || early || looksQuiet(free, rules, zone)) wrong.push({ zone, at: new Date(at), rules, free })
    }
    expect(wrong).toEqual([])
    expect(held).toBeGreaterThan(30_000)
  },
)

test('settings that are never free end the search all the same', () => {
  const now = new Date('2026-01-15T12:00Z')
  const free = freeAt(now, [quiet('00:00', '00:00')], 'Europe/Berlin')
  expect(free.getTime() - now.getTime()).toBeGreaterThan(21 * DAY)
  expect(free.getTime() - now.getTime()).toBeLessThan(31 * DAY)
})

test('an answer takes less than 100 microseconds', () => {
  const rules = [quiet('22:00', '08:00'), quiet('12:30', '13:30', 'monday', 'friday')]
  const ask = (count: number): void => {
    for (let index = 0; index < count; index++) {
      freeAt(new Date(Date.UTC(2026, 2, 27) + index * MINUTE), rules, ZONES[index % ZONES.length] as string)
    }
  }
  ask(ZONES.length * 10)
  const rounds = Array.from({ length: 5 }, () => {
    const since = performance.now()
    ask(2_000)
    return ((performance.now() - since) * 1_000) / 2_000
  })
  expect(Math.min(...rounds)).toBeLessThan(100)
})

test.each([
  ['email', [0, 1]],
  ['push', [0]],
  ['in_app', [2]],
])('%s is concerned by the rules that name it, or none', (channel, expected) => {
  const rules = [[], ['email'], ['in_app']].map((channels) => ({ ...quiet('22:00', '08:00'), channels }))
  expect(quietHoursFor(rules, channel)).toEqual(expected.map((index) => rules[index]))
})

test('a rule that has begun holds on when the clock is set back to the day before', () => {
  const sunday = quiet('00:00', '06:00', 'sunday')
  const heldAt = (text: string) => holding(new Date(text), [sunday], 'America/St_Johns')
  expect(heldAt('2010-11-07T02:29:59Z')).toEqual([])
  expect(heldAt('2010-11-07T02:30Z')).toEqual([sunday])
  // Saturday, 23:29, for the second time.
  expect(heldAt('2010-11-07T02:59Z')).toEqual([sunday])
})

test('the rules that hold it are told apart from those that do not', () => {
  const [night, noon, late] = [quiet('22:00', '08:00'), quiet('12:00', '13:00'), quiet('23:00', '01:00', 'friday')]
  const heldAt = (text: string) => holding(new Date(text), [night, noon, late], 'UTC')
  expect(heldAt('2026-01-17T00:30Z')).toEqual([night, late])
  expect(heldAt('2026-01-18T00:30Z')).toEqual([night])
  expect(heldAt('2026-01-18T12:00Z')).toEqual([noon])
  expect(heldAt('2026-01-18T13:00Z')).toEqual([])
  expect(holding(new Date('2026-01-18T00:30Z'), [], 'UTC')).toEqual([])
})

const on = (channels: readonly string[], start: string, end: string, ...days: readonly Weekday[]): QuietHours => ({
  ...quiet(start, end, ...days),
  channels,
})

test.each<[string, readonly QuietHours[], ReturnType<typeof quietHoursFault>]>([
  ['none at all', [], null],
  ['an ordinary night', [quiet('22:00', '08:00')], null],
  ['whole days at the weekend', [quiet('00:00', '00:00', 'saturday', 'sunday')], null],
  ['the same rule twice', [quiet('22:00', '08:00'), quiet('22:00', '08:00')], null],
  ['all but a minute', [quiet('00:00', '23:59')], null],
  ['all but a minute a week', [quiet('00:00', '00:00', ...WEEKDAYS.slice(1)), quiet('00:00', '23:59', 'monday')], null],
  [
    'different channels that together fill the day',
    [on(['email'], '08:00', '20:00'), on(['sms'], '20:00', '08:00')],
    null,
  ],
  [
    'in_app, which a rule that names nothing leaves alone',
    [quiet('08:00', '20:00'), on(['in_app'], '20:00', '08:00')],
    null,
  ],
  [
    'an hour that is none',
    [quiet('22:00', '08:00'), quiet('22:00', '24:00')],
    { index: 1, field: 'end', message: 'must be a local time from 00:00 to 23:59, as "22:00"' },
  ],
  [
    'a time without its zero',
    [quiet('8:00', '12:00')],
    { index: 0, field: 'start', message: 'must be a local time from 00:00 to 23:59, as "22:00"' },
  ],
  [
    'a day that is none',
    [quiet('22:00', '08:00', 'sunday', 'moonday' as Weekday)],
    {
      index: 0,
      field: 'days',
      message: 'has "moonday": must be monday, tuesday, wednesday, thursday, friday, saturday, sunday',
    },
  ],
  [
    'a day twice',
    [quiet('22:00', '08:00', 'sunday', 'monday', 'sunday')],
    { index: 0, field: 'days', message: 'has "sunday" twice' },
  ],
  [
    'a channel twice',
    [on(['email', 'email'], '22:00', '08:00')],
    { index: 0, field: 'channels', message: 'has "email" twice' },
  ],
  [
    'a blank channel',
    [on(['email', ' '], '22:00', '08:00')],
    { index: 0, field: 'channels', message: 'has one that is blank' },
  ],
  [
    'more channels than a rule may name',
    [
      on(
        Array.from({ length: MAX_QUIET_CHANNELS + 1 }, (_, index) => `channel-${index}`),
        '22:00',
        '08:00',
      ),
    ],
    { index: 0, field: 'channels', message: `has more than ${MAX_QUIET_CHANNELS}` },
  ],
  [
    'a whole day on every day',
    [quiet('07:00', '07:00')],
    { index: null, message: 'leave all channels but in_app no time of the week' },
  ],
  [
    'two that fill the day',
    [quiet('20:00', '08:00'), quiet('08:00', '20:00')],
    { index: null, message: 'leave all channels but in_app no time of the week' },
  ],
  [
    'one that fills what the rule for all leaves to email',
    [quiet('20:00', '08:00'), on(['sms', 'email'], '09:00', '20:00'), on(['email'], '08:00', '09:00')],
    { index: null, message: 'leave channel "email" no time of the week' },
  ],
  [
    'in_app, where rules name it',
    [on(['in_app'], '08:00', '20:00'), on(['in_app'], '20:00', '08:00')],
    { index: null, message: 'leave channel "in_app" no time of the week' },
  ],
  [
    'more rules than are looked at',
    Array.from({ length: MAX_QUIET_HOURS + 1 }, () => quiet('22:00', '08:00')),
    { index: null, message: `are more than ${MAX_QUIET_HOURS}` },
  ],
])('settings with %s are judged as they deserve', (_, rules, expected) => {
  expect(quietHoursFault(rules)).toEqual(expected)
})

test('settings are refused exactly where the week has no free minute', () => {
  const packed = fc.array(rule, { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(packed, (rules) => {
      const week = Array.from({ length: 7 * 1440 }, () => false)
      for (const rule of rules) {
        const length = ((minutesOf(rule.end) - minutesOf(rule.start) + 1439) % 1440) + 1
        for (const [index, day] of WEEKDAYS.entries()) {
          if (rule.days.length > 0 && !rule.days.includes(day)) continue
          const from = index * 1440 + minutesOf(rule.start)
          for (let minute = from; minute < from + length; minute++) week[minute % week.length] = true
        }
      }
      expect(quietHoursFault(rules) !== null).toBe(week.every(Boolean))
    }),
    { numRuns: 1_000 },
  )
})
