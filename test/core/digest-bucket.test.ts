import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketName, findPlace, type OpenBucket, type StoredRule, takePlace } from '../../server/core/digest-bucket.ts'
import type { DigestSubject, DigestWindow } from '../../server/core/digest-rule.ts'

const MINUTE = 60_000
const NOON = new Date('2026-01-15T12:00:00.000Z')
const later = (minutes: number): Date => new Date(NOON.getTime() + minutes * MINUTE)

const rule = (change: Partial<StoredRule> = {}): StoredRule => ({
  id: 'rule-1',
  key: 'threads',
  version: 2,
  channel: 'email',
  matchNotificationKey: null,
  matchCategory: null,
  groupBy: 'digest_key',
  window: { kind: 'fixed', minutes: 60 },
  maxItems: null,
  excludeRead: false,
  ...change,
})

const SUBJECT: DigestSubject = {
  channel: 'email',
  notificationKey: 'comment.added',
  category: null,
  digestKey: 'plans',
}

/** Puts one after the other into the buckets of one recipient, as a server does; answers each one's bucket. */
const accumulate = (
  rules: readonly StoredRule[],
  items: readonly { readonly at: Date; readonly subject?: Partial<DigestSubject> }[],
  recipientZone = 'UTC',
) => {
  const buckets = new Map<string, OpenBucket>()
  let opened = 0
  return items.map(({ at: now, subject }) => {
    const place = findPlace({ ...SUBJECT, ...subject }, { rules, buckets, recipientZone, now })
    if (!place) return null
    const { bucket, full } = takePlace(place, {
      now,
      newId: () => {
        opened += 1
        return `bucket-${opened}`
      },
    })
    if (full) buckets.delete(bucketName(bucket))
    else buckets.set(bucketName(bucket), bucket)
    return { id: bucket.id, bucket, full, match: place.match, follows: place.follows?.id ?? null }
  })
}

const idsOf = (taken: ReturnType<typeof accumulate>) => taken.map((one) => one?.id ?? null)

test('what comes within a window shares a bucket; what comes at its end opens the next, which follows it', () => {
  const taken = accumulate(
    [rule()],
    [0, 59, 60, 119].map((minutes) => ({ at: later(minutes) })),
  )
  expect(idsOf(taken)).toEqual(['bucket-1', 'bucket-1', 'bucket-2', 'bucket-2'])
  expect(taken.map((one) => one?.follows)).toEqual([null, null, 'bucket-1', null])
  expect(taken[3]?.bucket).toMatchObject({
    memberCount: 2,
    firstItemAt: later(60),
    windowStartsAt: later(60),
    windowEndsAt: later(120),
  })
})

test('rules, channels and values have buckets of their own', () => {
  const rules = [rule(), rule({ id: 'rule-2', channel: 'sms' })]
  const at = NOON
  const taken = accumulate(rules, [
    { at },
    { at, subject: { digestKey: 'budget' } },
    { at, subject: { channel: 'sms' } },
    { at },
    { at, subject: { channel: 'push' } },
  ])
  expect(idsOf(taken)).toEqual(['bucket-1', 'bucket-2', 'bucket-3', 'bucket-1', null])
})

test('a full bucket is closed at once, and the next of the same window is no follower of an open one', () => {
  const taken = accumulate(
    [rule({ maxItems: 2 })],
    [1, 2, 3].map((minutes) => ({ at: later(minutes) })),
  )
  expect(taken.map((one) => [one?.id, one?.full, one?.follows])).toEqual([
    ['bucket-1', false, null],
    ['bucket-1', true, null],
    ['bucket-2', false, null],
  ])
  expect(taken[2]?.bucket.windowStartsAt).toEqual(NOON)
})

test('a bucket of one is full with its first', () => {
  expect(accumulate([rule({ maxItems: 1 })], [{ at: NOON }, { at: NOON }]).map((one) => [one?.id, one?.full])).toEqual([
    ['bucket-1', true],
    ['bucket-2', true],
  ])
})

test('the planner is told the window as it is with this one in it, and no key or value of the payload', () => {
  const window: DigestWindow = { kind: 'sliding', minutes: 10, maxMinutes: 15 }
  const taken = accumulate(
    [rule({ window })],
    [0, 4, 9].map((minutes) => ({ at: later(minutes) })),
  )
  expect(taken.map((one) => one?.match)).toEqual(
    [10, 14, 15].map((end) => ({
      ruleIdentity: 'threads:v2',
      groupBy: 'digest_key',
      windowStartsAt: NOON,
      windowEndsAt: later(end),
    })),
  )
})

test("a daily boundary is in the recipient's zone, and says which", () => {
  const window: DigestWindow = { kind: 'boundary', time: '09:00', timeZone: null }
  const [berlin] = accumulate([rule({ window })], [{ at: NOON }], 'Europe/Berlin')
  expect(berlin?.match).toMatchObject({ timeZone: 'Europe/Berlin', windowEndsAt: new Date('2026-01-16T08:00Z') })
  const [tokyo] = accumulate([rule({ window: { ...window, timeZone: 'Asia/Tokyo' } })], [{ at: NOON }], 'Europe/Berlin')
  expect(tokyo?.match).toMatchObject({ timeZone: 'Asia/Tokyo', windowEndsAt: new Date('2026-01-16T00:00Z') })
})

test('whatever comes when, each item is in one bucket whose window holds it, and no bucket takes too many', () => {
  const window: fc.Arbitrary<DigestWindow> = fc.oneof(
    fc.integer({ min: 1, max: 90 }).map((minutes) => ({ kind: 'fixed' as const, minutes })),
    fc.constantFrom('00:00', '12:30', '23:59').map((time) => ({ kind: 'boundary' as const, time, timeZone: null })),
    fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.nat(60))
      .map(([minutes, more]) => ({ kind: 'sliding' as const, minutes, maxMinutes: minutes + more })),
  )
  const item = fc.record({ gap: fc.nat(40 * MINUTE), digestKey: fc.constantFrom('plans', 'budget') })
  fc.assert(
    fc.property(window, fc.option(fc.integer({ min: 1, max: 4 })), fc.array(item), (kind, maxItems, items) => {
      let now = NOON.getTime()
      const given = items.map(({ gap, digestKey }) => {
        now += gap
        return { at: new Date(now), subject: { digestKey } }
      })
      const taken = accumulate([rule({ window: kind, maxItems })], given)
      const windows = new Map<string, { count: number; bucket: OpenBucket }>()
      for (const [index, one] of taken.entries()) {
        const { at, subject } = given[index] as (typeof given)[number]
        if (!one) throw new Error('every item has a place')
        expect(one.bucket.groupingValue).toBe(subject.digestKey)
        expect(one.match.windowStartsAt.getTime()).toBeLessThanOrEqual(at.getTime())
        expect(one.match.windowEndsAt.getTime()).toBeGreaterThan(at.getTime())
        const own = windows.get(one.id) ?? { count: 0, bucket: one.bucket }
        windows.set(one.id, { ...own, count: own.count + 1 })
        expect(one.full).toBe(maxItems !== null && own.count + 1 === maxItems)
      }
      for (const { count, bucket } of windows.values()) expect(bucket.memberCount).toBe(count)
      // Windows of one value meet, at most: where they share a start, the one before was full.
      for (const digestKey of ['plans', 'budget']) {
        const own = [...windows.values()].filter(({ bucket }) => bucket.groupingValue === digestKey)
        for (const [index, { bucket }] of own.entries()) {
          const next = own[index + 1]
          if (!next) continue
          if (maxItems !== null && own[index]?.count === maxItems) continue
          expect(next.bucket.windowStartsAt.getTime()).toBeGreaterThanOrEqual(bucket.windowEndsAt.getTime())
        }
      }
    }),
    { numRuns: 500 },
  )
})
