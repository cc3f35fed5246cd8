import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AttemptOutcome } from '../../server/core/delivery.ts'
import { endsOfTimeline, type Story, type TimelineEntry, timelineOf } from '../../server/core/timeline.ts'

const START = Date.parse('2026-01-15T12:00:00.000Z')

const passed = [{ rule: 'address', verdict: 'pass', reason: null, facts: {} }] as const
const objected = [{ rule: 'address', verdict: 'suppress', reason: 'missing_address', facts: {} }] as const

interface Round {
  /** From the claim to its end, in milliseconds; none stands for the same instant. */
  readonly tookMs: number
  readonly waitedMs: number
  readonly outcome: AttemptOutcome
}

/** What is stored of a delivery that was tried in these rounds, each after the one before. */
const storyOf = (rounds: readonly Round[], planned: 'passed' | 'suppressed'): Story => {
  let clock = START
  const now = () => new Date(clock)
  const attempts: Story['attempts'][number][] = []
  const transitions: Story['transitions'][number][] = []
  const decisions: Story['decisions'][number][] = [
    { checkpoint: 'planning', at: now(), answers: planned === 'passed' ? passed : objected },
  ]
  for (const [index, { tookMs, waitedMs, outcome }] of (planned === 'passed' ? rounds : []).entries()) {
    clock += waitedMs
    const startedAt = now()
    decisions.push({ checkpoint: 'perform', at: startedAt, answers: passed })
    clock += outcome === 'unknown' ? tookMs + 1_000 : tookMs
    const last = index === rounds.length - 1
    attempts.push({
      attemptNumber: index + 1,
      outcome,
      errorClass: outcome === 'failed' ? 'temporary' : null,
      adapter: 'mail',
      reason: null,
      startedAt,
      insertedAt: now(),
    })
    if (outcome === 'failed')
      transitions.push({ event: last ? 'cancelled' : 'retry_scheduled', reason: null, context: {}, at: now() })
    // A lease that ran out is found by the next claim, at the instant of that claim; the next failure comes later.
    if (outcome !== 'unknown') clock += 1
  }
  return {
    event: { insertedAt: new Date(START), notificationKey: 'k', actorId: null },
    notification: {
      insertedAt: new Date(START),
      recipientId: 'ada',
      seenAt: now(),
      readAt: now(),
      archivedAt: now(),
    },
    delivery: { insertedAt: new Date(START), channel: 'email' },
    attempts,
    transitions,
    decisions,
  }
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
  .map(([rounds, planned]) => storyOf(rounds, planned))

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
  const story = storyOf(
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

test('a delivery that planning suppressed says by which rule, and why', () => {
  const [, , , suppressed] = timelineOf(storyOf([], 'suppressed'))
  expect(suppressed).toEqual({
    at: new Date(START),
    event: 'suppressed',
    detail: { reason: 'missing_address', rule: 'address', checkpoint: 'planning' },
  })
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
