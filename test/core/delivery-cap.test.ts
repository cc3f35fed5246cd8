import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DeliveryCap, isCappedBy, usageOf } from '../../server/core/delivery-cap.ts'

const MINUTE = 60_000
const NOW = new Date('2026-01-15T12:00:00.000Z')

const capOf = (cap: Partial<DeliveryCap> = {}): DeliveryCap => ({
  limit: 1,
  windowMinutes: 60,
  channel: null,
  category: null,
  ...cap,
})

/** Deliveries that count, by how many milliseconds before an instant. */
const ago = (milliseconds: readonly number[], now = NOW) =>
  milliseconds.map((before, index) => ({ id: `delivery-${index}`, at: new Date(now.getTime() - before) }))

test.each<[Partial<DeliveryCap>, string, string | null, boolean]>([
  [{}, 'email', 'comments', true],
  [{}, 'email', null, true],
  [{}, 'in_app', 'comments', false],
  [{ channel: 'email' }, 'email', 'comments', true],
  [{ channel: 'email' }, 'sms', 'comments', false],
  [{ channel: 'email' }, 'in_app', 'comments', false],
  [{ channel: 'in_app' }, 'in_app', 'comments', true],
  [{ channel: 'in_app' }, 'email', 'comments', false],
  [{ category: 'comments' }, 'email', 'comments', true],
  [{ category: 'comments' }, 'email', 'billing', false],
  [{ category: 'comments' }, 'email', null, false],
  [{ category: 'comments' }, 'in_app', 'comments', false],
  [{ channel: 'in_app', category: 'comments' }, 'in_app', 'comments', true],
  [{ channel: 'in_app', category: 'comments' }, 'in_app', 'billing', false],
  [{ channel: 'email', category: 'comments' }, 'email', 'comments', true],
  [{ channel: 'email', category: 'comments' }, 'email', 'billing', false],
  [{ channel: 'email', category: 'comments' }, 'sms', 'comments', false],
])('whether a cap of %j holds for %s in category %s: %s', (cap, channel, category, expected) => {
  expect(isCappedBy(capOf(cap), { channel, category })).toBe(expected)
})

const HOUR = 60 * MINUTE

test.each<[string, readonly number[], number]>([
  ['nothing', [], 0],
  ['what was handed over this instant', [0], 1],
  ['what is due a millisecond later', [-1], 0],
  ['what is a millisecond within the window', [HOUR - 1], 1],
  ['what is exactly as old as the window', [HOUR], 0],
  ['what is older', [HOUR + 1, 2 * HOUR], 0],
  ['what lies on all sides', [-1, 0, HOUR - 1, HOUR], 2],
  ['several of one instant', [5, 5, 5], 3],
])('a cap counts %s within (now - window, now]', (_, counted, count) => {
  expect(usageOf({ cap: capOf({ limit: 10 }), counted: ago(counted) }, NOW)).toEqual({ count, freesAt: null })
})

test.each<[number, readonly number[], number | null]>([
  [1, [], null],
  [1, [10], 10],
  [2, [10], null],
  [2, [10, 20], 20],
  [2, [20, 10], 20],
  // Beyond the limit, as after it was lowered: room comes when the oldest of the newest two leaves.
  [2, [10, 20, 30, 40], 20],
  [1, [0], 0],
  [1, [59], 59],
])(
  'under a cap of %i in an hour, with some %j minutes ago, there is room again when the one %s minutes ago leaves the window',
  (limit, minutes, leaves) => {
    const counted = ago(minutes.map((before) => before * MINUTE))
    const { freesAt } = usageOf({ cap: capOf({ limit }), counted }, NOW)
    expect(freesAt).toEqual(leaves === null ? null : new Date(NOW.getTime() + HOUR - leaves * MINUTE))
  },
)

const usage = fc
  .record({
    limit: fc.integer({ min: 1, max: 5 }),
    windowMinutes: fc.oneof(fc.constantFrom(1, 60, 525_600), fc.integer({ min: 1, max: 10_000 })),
    now: fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2050, 0) }),
    parts: fc.array(fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1.2, noNaN: true }))),
  })
  .map(({ limit, windowMinutes, now, parts }) => {
    const windowMs = windowMinutes * MINUTE
    const counted = ago(
      parts.map((part) => Math.round(part * windowMs)),
      new Date(now),
    )
    return { cap: capOf({ limit, windowMinutes }), counted, now: new Date(now) }
  })

test('there is room again at the instant that is named, and at none before it', () => {
  fc.assert(
    fc.property(usage, ({ cap, counted, now }) => {
      const { count, freesAt } = usageOf({ cap, counted }, now)
      expect(freesAt === null).toBe(count < cap.limit)
      if (!freesAt) return
      expect(freesAt.getTime()).toBeGreaterThan(now.getTime())
      expect(usageOf({ cap, counted }, freesAt).count).toBeLessThan(cap.limit)
      const justBefore = new Date(freesAt.getTime() - 1)
      expect(usageOf({ cap, counted }, justBefore)).toEqual({ count: expect.any(Number), freesAt })
    }),
  )
})

test('a cap counts what any onlooker would, in whatever order it is told of them', () => {
  fc.assert(
    fc.property(usage, ({ cap, counted, now }) => {
      const { count } = usageOf({ cap, counted }, now)
      const age = ({ at }: { readonly at: Date }) => (now.getTime() - at.getTime()) / MINUTE
      expect(count).toBe(counted.filter((one) => age(one) >= 0 && age(one) < cap.windowMinutes).length)
      const byAge = counted.toSorted((a, b) => a.at.getTime() - b.at.getTime())
      for (const order of [byAge, byAge.toReversed()]) {
        expect(usageOf({ cap, counted: order }, now)).toEqual(usageOf({ cap, counted }, now))
      }
    }),
  )
})
