import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AttemptOutcome } from '../../server/core/delivery.ts'
import type { StoredTransition, Story } from '../../server/core/explanation.ts'
import { endsOfTimeline, type TimelineEntry, timelineOf } from '../../server/core/timeline.ts'
import { inOrder } from '../../server/core/timeline-order.ts'
import { ATTEMPT, decided, LATER, NOON, storyOf } from '../support/stories.ts'

const START = NOON.getTime()
const UNREACHABLE = { addresses: { needed: true, usable: 0, bounced: 0 } }

interface Round {
  /** From the claim to its end, in milliseconds; none stands for the same instant. */
  readonly tookMs: number
  readonly waitedMs: number
  readonly outcome: AttemptOutcome
}

/** What is stored of a delivery that was tried in these rounds, each after the one before. */
const triedIn = (rounds: readonly Round[], planned: 'passed' | 'suppressed'): Story => {
  let clock = START
  const now = () => new Date(clock)
  const attempts: Story['attempts'][number][] = []
  const transitions: Story['transitions'][number][] = []
  const decisions = [decided(planned === 'passed' ? {} : UNREACHABLE, now())]
  for (const [index, { tookMs, waitedMs, outcome }] of (planned === 'passed' ? rounds : []).entries()) {
    clock += waitedMs
    const startedAt = now()
    decisions.push(decided({ checkpoint: 'perform' }, startedAt))
    clock += outcome === 'unknown' ? tookMs + 1_000 : tookMs
    const last = index === rounds.length - 1
    attempts.push({
      ...ATTEMPT,
      attemptNumber: index + 1,
      outcome,
      errorClass: outcome === 'failed' ? 'temporary' : null,
      startedAt,
      insertedAt: now(),
    })
    if (outcome === 'failed')
      transitions.push({ event: last ? 'cancelled' : 'retry_scheduled', reason: null, context: {}, at: now() })
    // A lease that ran out is found by the next claim, at the instant of that claim; the next failure comes later.
    if (outcome !== 'unknown') clock += 1
  }
  return storyOf({
    event: { insertedAt: new Date(START) },
    notification: { insertedAt: new Date(START), seenAt: now(), readAt: now(), archivedAt: now() },
    delivery: { insertedAt: new Date(START) },
    attempts,
    transitions,
    decisions,
  })
}

const someRounds = fc.array(
  fc.record({
    tookMs: fc.constantFrom(0, 0, 5),
    waitedMs: fc.constantFrom(0, 0, 60_000),
    outcome: fc.constantFrom<AttemptOutcome>('failed', 'unknown'),
  }),
  { maxLength: 8 },
)
const someStory = fc
  .tuple(someRounds, fc.constantFrom('passed' as const, 'suppressed' as const))
  .map(([rounds, planned]) => triedIn(rounds, planned))

const places = (timeline: readonly TimelineEntry[], event: string): number[] =>
  timeline.flatMap((entry, index) => (entry.event === event ? [index] : []))

test('a timeline is chronological', () => {
  fc.assert(
    fc.property(someStory, (story) => {
      const instants = timelineOf(story).map(({ at }) => at.getTime())
      expect(instants).toEqual(instants.toSorted((a, b) => a - b))
    }),
  )
})

test('where instants are equal, cause comes before effect', () => {
  fc.assert(
    fc.property(someStory, (story) => {
      const timeline = timelineOf(story)
      const events = timeline.map(({ event }) => event)
      expect(events.slice(0, 3)).toEqual(['event_created', 'notification_created', 'delivery_planned'])
      expect(events.slice(-3)).toEqual(['notification_seen', 'notification_read', 'notification_archived'])
      const claims = places(timeline, 'claimed')
      const ends = [...places(timeline, 'attempt_recorded'), ...places(timeline, 'attempt_unknown')].sort(
        (a, b) => a - b,
      )
      const after = [...places(timeline, 'retry_scheduled'), ...places(timeline, 'cancelled')]
      // Claim and end take turns, and whatever a failure brought about stands between it and the next claim.
      expect(ends).toHaveLength(claims.length)
      for (const [index, end] of ends.entries()) {
        expect(end).toBeGreaterThan(claims[index] as number)
        const next = claims[index + 1]
        if (next !== undefined) expect(end).toBeLessThan(next)
        if (timeline[end]?.event === 'attempt_recorded') expect(after).toContain(end + 1)
      }
    }),
  )
})

test('the order in which rows were read does not matter, as far as instants tell them apart', () => {
  const story = triedIn(
    [
      { tookMs: 5, waitedMs: 10, outcome: 'failed' },
      { tookMs: 5, waitedMs: 10, outcome: 'unknown' },
      { tookMs: 5, waitedMs: 10, outcome: 'failed' },
    ],
    'passed',
  )
  const reversed = {
    ...story,
    attempts: story.attempts.toReversed(),
    transitions: story.transitions.toReversed(),
    decisions: story.decisions.toReversed(),
  }
  expect(timelineOf(reversed)).toEqual(timelineOf(story))
})

const NIGHT = [{ start: '22:00', end: '08:00', days: [], channels: [] }]
const EARLY = new Date('2026-01-15T04:00:00.000Z')
const MORNING = '2026-01-15T07:00:00.000Z'
const quietDetail = {
  reason: 'quiet_hours',
  timeZone: 'Europe/Berlin',
  ruleIdentity: 'quiet_hours',
  nextEligibleAt: MORNING,
  planningContext: {
    rule: 'quiet_hours',
    ruleIdentity: 'quiet_hours',
    timeZone: 'Europe/Berlin',
    zoneFrom: 'recipient',
    windows: NIGHT,
    until: MORNING,
  },
}

/** What planning made of a delivery, and the one entry that tells of it. */
const PLANNED: readonly (readonly [string, Parameters<typeof decided>, Omit<TimelineEntry, 'at'> | null])[] = [
  ['let pass', [{}], null],
  [
    'suppressed',
    [UNREACHABLE],
    { event: 'suppressed', detail: { reason: 'missing_address', rule: 'address', checkpoint: 'planning' } },
  ],
  [
    'put off for the night',
    [{ quietHours: NIGHT }, EARLY],
    { event: 'deferred', detail: { ...quietDetail, checkpoint: 'planning' } },
  ],
  [
    'put off because it is a fallback',
    [{ fallback: { until: LATER } }],
    {
      event: 'deferred',
      detail: {
        reason: 'fallback_delay',
        ruleIdentity: 'fallback',
        nextEligibleAt: LATER.toISOString(),
        planningContext: { rule: 'fallback', ruleIdentity: 'fallback', until: LATER.toISOString() },
        checkpoint: 'planning',
      },
    },
  ],
  [
    'found expired',
    [{ expiresAt: EARLY }],
    { event: 'expired', detail: { reason: 'expired', rule: 'expiry', checkpoint: 'planning' } },
  ],
  [
    'suppressed, though it was night as well',
    [{ ...UNREACHABLE, quietHours: NIGHT }, EARLY],
    { event: 'suppressed', detail: { reason: 'missing_address', rule: 'address', checkpoint: 'planning' } },
  ],
]

test.each(PLANNED)('what planning %s is told by its decision alone', (_, [facts, at = NOON], expected) => {
  const told = timelineOf(
    storyOf({
      event: { insertedAt: at },
      notification: { insertedAt: at },
      delivery: { insertedAt: at },
      decisions: [decided(facts, at)],
    }),
  ).slice(3)
  expect(told).toEqual(expected === null ? [] : [{ at, ...expected }])
})

test('what the notifier failed for is told as cancelled', () => {
  const decisions = [{ checkpoint: 'planning', at: NOON, answers: [] }] as const
  expect(timelineOf(storyOf({ decisions })).at(-1)).toEqual({
    at: NOON,
    event: 'cancelled',
    detail: { reason: 'planning_failed', checkpoint: 'planning' },
  })
})

test('what the perform checkpoint put off is told by its transition, with what its decision saw, and is no claim', () => {
  const context = { checkpoint: 'perform', rule: 'quiet_hours', nextEligibleAt: MORNING }
  const before = new Date(EARLY.getTime() - 60_000)
  const told = timelineOf(
    storyOf({
      event: { insertedAt: before },
      notification: { insertedAt: before },
      delivery: { insertedAt: before },
      decisions: [decided({}, before), decided({ checkpoint: 'perform', quietHours: NIGHT }, EARLY)],
      transitions: [{ event: 'deferred', reason: 'quiet_hours', context, at: EARLY }],
    }),
  )
  expect(told.slice(3)).toEqual([
    { at: EARLY, event: 'deferred', detail: { ...quietDetail, checkpoint: 'perform', rule: 'quiet_hours' } },
  ])
})

test('a transition is told with its reason and its context', () => {
  const transitions: StoredTransition[] = [
    { event: 'resumed', reason: null, context: { source: 'schedule', scheduledAt: MORNING }, at: LATER },
    { event: 'cancelled', reason: 'cancelled_by_operator', context: { source: 'operator', words: 'no' }, at: LATER },
    { event: 'event_cancelled', reason: 'event_cancelled', context: null, at: LATER },
  ]
  const told = (transition: StoredTransition) => timelineOf(storyOf({ transitions: [transition] })).at(-1)?.detail
  expect(transitions.map(told)).toEqual([
    { source: 'schedule', scheduledAt: MORNING },
    { reason: 'cancelled_by_operator', source: 'operator', words: 'no' },
    { reason: 'event_cancelled' },
  ])
})

const START_OF_ALL = ['event_created', 'notification_created', 'delivery_planned']
const CALL = ['claimed', 'attempt_recorded']
const BY_OPERATOR = 'cancelled by an operator'
const READ = 'suppressed since it was read'

/** Histories in which everything happens at one instant, as where a clock stands still. */
const AT_ONCE: readonly (readonly string[])[] = [
  [...START_OF_ALL, 'attempt_recorded', 'notification_seen', 'notification_read', 'notification_archived'],
  [...START_OF_ALL, ...CALL, 'cancelled', 'retried', ...CALL],
  [...START_OF_ALL, BY_OPERATOR, 'retried', ...CALL],
  [...START_OF_ALL, ...CALL, 'retry_scheduled', BY_OPERATOR],
  [...START_OF_ALL, ...CALL, 'retry_scheduled', 'retried', ...CALL],
  [...START_OF_ALL, ...CALL, 'retry_scheduled', ...CALL, 'retry_scheduled', ...CALL],
  [...START_OF_ALL, ...CALL, 'retry_scheduled', 'event_cancelled'],
  [...START_OF_ALL, 'deferred', 'resumed', 'deferred', 'resumed', ...CALL],
  [...START_OF_ALL, 'deferred', 'resumed', 'expired'],
  [...START_OF_ALL, 'deferred', 'event_cancelled'],
  [...START_OF_ALL, 'deferred', BY_OPERATOR, 'retried', ...CALL, 'cancelled'],
  [...START_OF_ALL, 'deferred', 'resumed', 'notification_seen', 'notification_read', READ],
  [...START_OF_ALL, 'claimed', 'attempt_unknown', ...CALL],
  [...START_OF_ALL, 'claimed', 'attempt_unknown', 'retried', ...CALL],
  [...START_OF_ALL, 'claimed', 'attempt_unknown', 'suppressed'],
]

const REASON_OF: Readonly<Record<string, string>> = { [BY_OPERATOR]: 'cancelled_by_operator', [READ]: 'already_read' }
const entryOf = (name: string, at: Date): TimelineEntry => ({
  at,
  event: name.split(' ')[0] as string,
  detail: { name, ...(REASON_OF[name] && { reason: REASON_OF[name] }) },
})

test.each(AT_ONCE.map((history) => [history.slice(3).join(', '), history] as const))(
  'what happens at one instant is told in the order in which it can follow: %s',
  (_, history) => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...history], { minLength: history.length }), (shuffled) => {
        const told = inOrder(shuffled.map((name) => entryOf(name, NOON)))
        expect(told.map(({ detail }) => detail['name'])).toEqual(history)
      }),
    )
  },
)

test('the same where some of it happens at one instant, and the rest after', () => {
  fc.assert(
    fc.property(
      fc
        .constantFrom(...AT_ONCE)
        .chain((history) =>
          fc.tuple(
            fc.constant(history),
            fc.nat(history.length),
            fc.shuffledSubarray([...history.keys()], { minLength: history.length }),
          ),
        ),
      ([history, split, shuffled]) => {
        const entries = shuffled.map((index) => entryOf(history[index] as string, index < split ? NOON : LATER))
        expect(inOrder(entries).map(({ detail }) => detail['name'])).toEqual(history)
      },
    ),
  )
})

test('entries that do not fit each other are all told, by instant', () => {
  const names = ['claimed', 'resumed', 'retry_scheduled', 'something_new', 'attempt_unknown']
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(NOON, LATER)), { maxLength: 40 }),
      (all) => {
        const entries = all.map(([name, at]) => entryOf(name, at))
        const told = inOrder(entries)
        expect(told).toHaveLength(entries.length)
        expect(new Set(told)).toEqual(new Set(entries))
        const instants = told.map(({ at }) => at.getTime())
        expect(instants).toEqual(instants.toSorted((a, b) => a - b))
      },
    ),
  )
})

test('of a long timeline the oldest and the newest entries are kept', () => {
  const timeline = Array.from({ length: 10 }, (_, index) => ({ at: new Date(index), event: `${index}`, detail: {} }))
  const kept = (first: number) =>
    endsOfTimeline(timeline, first)
      .map(({ event }) => event)
      .join('')
  expect(kept(10)).toBe('0123456789')
  expect(kept(20)).toBe('0123456789')
  expect(kept(5)).toBe('01289')
  expect(kept(2)).toBe('09')
  expect(kept(1)).toBe('0')
})
