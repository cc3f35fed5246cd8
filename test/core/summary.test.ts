import { expect, test } from 'vitest'
import { resultOf } from '../../server/core/decision.ts'
import { DELIVERY_STATUSES } from '../../server/core/delivery.ts'
import type { Story } from '../../server/core/explanation.ts'
import type { PlanFacts } from '../../server/core/plan-facts.ts'
import { REASONS, type ReasonCode } from '../../server/core/reasons.ts'
import { decisionSummary, summaryOf } from '../../server/core/summary.ts'
import { ATTEMPT, decided, LATER, NOON, storyOf } from '../support/stories.ts'

const summary = (told: Parameters<typeof storyOf>[0]): string => summaryOf(storyOf(told))

const NIGHT = { start: '22:00', end: '08:00', days: [], channels: [] } as const
const LATE = new Date('2026-01-15T22:30:00.000Z')
const EARLY = new Date('2026-01-16T01:00:00.000Z')

const cap = { limit: 1, windowMinutes: 60, channel: 'email', category: null }
const counted = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `${index}`, at: NOON }))
const off = { notificationKey: null, category: null, channel: null, enabled: false }

/** What the planner decides by, and what is said of a delivery that it stopped, and of one that it would stop. */
const PLANNER: readonly (readonly [
  reason: ReasonCode,
  facts: Partial<PlanFacts>,
  past: string,
  future: string,
  at?: Date,
])[] = [
  [
    'channel_disabled',
    { preferences: [{ ...off, notificationKey: 'comment.mentioned', channel: 'email' }] },
    'Not sent: the recipient had switched this notification on email off (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the recipient has switched this notification on email off.',
  ],
  [
    'channel_disabled',
    { preferences: [{ ...off, notificationKey: 'comment.mentioned' }] },
    'Not sent: the recipient had switched this notification off (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the recipient has switched this notification off.',
  ],
  [
    'channel_disabled',
    { preferences: [{ ...off, channel: 'email' }] },
    'Not sent: the recipient had switched the channel email off (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the recipient has switched the channel email off.',
  ],
  [
    'category_disabled',
    { preferences: [{ ...off, category: 'comments', channel: 'email' }] },
    'Not sent: the recipient had switched this category of notifications on email off (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the recipient has switched this category of notifications on email off.',
  ],
  [
    'category_disabled',
    { preferences: [{ ...off, category: 'comments' }] },
    'Not sent: the recipient had switched this category of notifications off (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the recipient has switched this category of notifications off.',
  ],
  [
    'missing_address',
    { addresses: { needed: true, usable: 0, bounced: 0 } },
    'Not sent: the recipient had no address for email (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the recipient has no address for email.',
  ],
  [
    'address_bounced',
    { addresses: { needed: true, usable: 0, bounced: 1 } },
    "Not sent: the recipient's address for email had bounced (decided at 2026-01-15 12:00:00 UTC).",
    "It would not be sent: the recipient's address for email has bounced.",
  ],
  [
    'address_bounced',
    { addresses: { needed: true, usable: 0, bounced: 3 } },
    "Not sent: each of the recipient's 3 addresses for email had bounced (decided at 2026-01-15 12:00:00 UTC).",
    "It would not be sent: each of the recipient's 3 addresses for email has bounced.",
  ],
  [
    'already_read',
    { checkpoint: 'perform', fallback: { until: NOON }, read: true },
    'Not sent: the notification had already been read or archived (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the notification has already been read or archived.',
  ],
  [
    'delivery_cap_reached',
    { caps: [{ cap, counted: counted(1) }] },
    'Not sent: the recipient had got 1 of 1 e-mails in the last 60 minutes (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the recipient has got 1 of 1 e-mails in the last 60 minutes.',
  ],
  [
    'delivery_cap_reached',
    {
      channel: 'pager',
      caps: [
        { cap: { limit: 9, windowMinutes: 60, channel: null, category: null }, counted: counted(2) },
        { cap: { limit: 2, windowMinutes: 1_440, channel: 'pager', category: 'comments' }, counted: counted(3) },
      ],
    },
    'Not sent: the recipient had got 3 of at most 2 deliveries on pager of the category "comments" in the last 24 hours (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the recipient has got 3 of at most 2 deliveries on pager of the category "comments" in the last 24 hours.',
  ],
  [
    'delivery_cap_reached',
    { caps: [{ cap: { limit: 2, windowMinutes: 10_080, channel: null, category: null }, counted: counted(2) }] },
    'Not sent: the recipient had got 2 of 2 deliveries in the last 7 days (decided at 2026-01-15 12:00:00 UTC).',
    'It would not be sent: the recipient has got 2 of 2 deliveries in the last 7 days.',
  ],
  [
    'quiet_hours',
    { quietHours: [NIGHT, { ...NIGHT, start: '12:00', end: '13:00' }] },
    'Held until 08:00 Europe/Berlin (07:00 UTC): quiet hours 22:00–08:00.',
    'It would be held until 08:00 Europe/Berlin (07:00 UTC): quiet hours 22:00–08:00.',
    EARLY,
  ],
  [
    'quiet_hours',
    { quietHours: [{ ...NIGHT, days: ['thursday', 'friday', 'saturday'] }] },
    'Held until 2026-01-16 08:00 Europe/Berlin (07:00 UTC): quiet hours 22:00–08:00 on Thursday, Friday and Saturday.',
    'It would be held until 2026-01-16 08:00 Europe/Berlin (07:00 UTC): quiet hours 22:00–08:00 on Thursday, Friday and Saturday.',
    LATE,
  ],
  [
    'fallback_delay',
    { fallback: { until: new Date('2026-01-15T12:30:00.000Z') } },
    'Waits until 12:30 UTC: it is sent only if the notification is still unread then.',
    'It would wait until 12:30 UTC: it is sent only if the notification is still unread then.',
  ],
  [
    'expired',
    { expiresAt: new Date('2026-01-15T11:00:00.000Z') },
    'Not sent: it expired at 2026-01-15 11:00:00 UTC, before it could be handed over.',
    'It would not be sent: it expired at 2026-01-15 11:00:00 UTC, before it could be handed over.',
  ],
]

const STOOD = {
  suppress: (reason: ReasonCode) => ({ status: 'suppressed', suppressionReason: reason }) as const,
  cancel: (reason: ReasonCode) => ({ status: 'cancelled', suppressionReason: reason }) as const,
  defer: (reason: ReasonCode) => ({ orchestrationState: 'deferred', planningReason: reason }) as const,
  digest: () => ({ orchestrationState: 'digest_held' }) as const,
  pass: () => ({}),
}

const CASES = PLANNER.map(([reason, facts, past, future, at = NOON]) => ({ reason, facts, past, future, at }))

test.each(CASES)('what the planner stopped says by what: $past', ({ reason, facts, past, at }) => {
  const decision = decided(facts, at)
  const result = resultOf(decision.answers)
  const delivery = {
    channel: facts.channel ?? 'email',
    nextEligibleAt: result.nextEligibleAt,
    ...STOOD[result.verdict](reason),
  }
  expect(summary({ delivery, decisions: [decision] })).toBe(past)
})

test.each(CASES)('what the planner would stop says by what: $future', ({ facts, future, at }) => {
  const decision = decided(facts, at)
  const result = resultOf(decision.answers)
  expect(decisionSummary(result, { channel: facts.channel ?? 'email', at: decision.at })).toBe(future)
})

test('what the planner would let pass says that', () => {
  const pass = resultOf(decided({}).answers)
  expect(decisionSummary(pass, { channel: 'email' })).toBe('It would be sent at once.')
  expect(decisionSummary(pass, { channel: 'in_app' })).toBe('It would arrive in the inbox at once.')
  const held = { verdict: 'digest', reason: 'digest_rule', nextEligibleAt: null, decidedBy: null } as const
  expect(decisionSummary(held, { channel: 'email' })).toBe('It would be held for a digest until its window is over.')
})

test('what was put off anew says by what it waits now, not by what it waited', () => {
  const decisions = [
    decided({ fallback: { until: LATER } }),
    decided({ checkpoint: 'perform', quietHours: [NIGHT] }, EARLY),
  ]
  const delivery = { orchestrationState: 'deferred', planningReason: 'quiet_hours' } as const
  expect(summary({ delivery, decisions })).toMatch(/^Held until 08:00 Europe\/Berlin/)
})

const transition = (event: string, reason: string | null, context: object = {}) => ({
  event,
  reason,
  context,
  at: LATER,
})
const cancelled = (suppressionReason: ReasonCode) => ({ status: 'cancelled', suppressionReason }) as const
const rejected = { ...ATTEMPT, outcome: 'rejected', reason: '550 blocked' } as const

/** What nothing but the planner's own reasons stops. */
const OTHERS: readonly (readonly [ReasonCode, Parameters<typeof storyOf>[0], string])[] = [
  [
    'retries_exhausted',
    {
      delivery: cancelled('retries_exhausted'),
      transitions: [transition('cancelled', 'retries_exhausted')],
      attempts: [ATTEMPT, { ...ATTEMPT, attemptNumber: 2, reason: 'line busy' }],
    },
    'Not sent: the provider could not take it in 2 tries, and all tries were used up at 2026-01-15 12:05:00 UTC; the provider\'s words: "line busy".',
  ],
  [
    'retries_exhausted',
    {
      delivery: cancelled('retries_exhausted'),
      transitions: [transition('cancelled', 'retries_exhausted')],
      attempts: [{ ...ATTEMPT, errorClass: 'render_failed', reason: 'x is undefined' }],
    },
    'Not sent: its content could not be made in 1 try, and all tries were used up at 2026-01-15 12:05:00 UTC; the notifier\'s error: "x is undefined".',
  ],
  [
    'permanent_failure',
    {
      delivery: cancelled('permanent_failure'),
      transitions: [transition('cancelled', 'permanent_failure')],
      attempts: [rejected],
    },
    'Not sent: the provider refused it for good at 2026-01-15 12:05:00 UTC; the provider\'s words: "550 blocked".',
  ],
  [
    'bounced',
    { delivery: cancelled('bounced'), transitions: [transition('cancelled', 'bounced')], attempts: [rejected] },
    'Not sent: the provider said at 2026-01-15 12:05:00 UTC that the address does not exist or takes no messages; the provider\'s words: "550 blocked".',
  ],
  [
    'event_cancelled',
    { delivery: cancelled('event_cancelled'), transitions: [transition('event_cancelled', 'event_cancelled')] },
    'Not sent: its event was cancelled at 2026-01-15 12:05:00 UTC, before this was handed to a provider.',
  ],
  [
    'cancelled_by_operator',
    {
      delivery: cancelled('cancelled_by_operator'),
      transitions: [transition('cancelled', 'cancelled_by_operator', { source: 'operator', words: 'wrong audience' })],
    },
    'Not sent: an operator cancelled it at 2026-01-15 12:05:00 UTC: "wrong audience".',
  ],
  [
    'planning_failed',
    { delivery: cancelled('planning_failed'), decisions: [{ checkpoint: 'planning', at: NOON, answers: [] }] },
    "Not sent: the notifier's own code failed for this recipient, time and again, and was given up at 2026-01-15 12:00:00 UTC.",
  ],
  [
    'channel_not_selected',
    { delivery: { status: 'suppressed', suppressionReason: 'channel_not_selected' } },
    "Not sent: the notifier's code did not choose email for this recipient.",
  ],
  [
    'recipient_erased',
    { delivery: cancelled('recipient_erased'), transitions: [transition('cancelled', 'recipient_erased')] },
    "Not sent: the recipient's data was erased at 2026-01-15 12:05:00 UTC.",
  ],
  [
    'digest_rule',
    { delivery: { orchestrationState: 'digest_held', planningReason: 'digest_rule' } },
    'Held for a digest.',
  ],
]

test.each(OTHERS)('what something else stopped says what, and when: %s', (_reason, told, expected) => {
  expect(summary(told)).toBe(expected)
})

test('every reason has a sentence of its own', () => {
  const told = new Set([...PLANNER.map(([reason]) => reason), ...OTHERS.map(([reason]) => reason)])
  expect(Object.keys(REASONS).filter((reason) => !told.has(reason as ReasonCode))).toEqual([])
})

const UNDER_WAY: readonly (readonly [string, Parameters<typeof storyOf>[0], string])[] = [
  ['is due', {}, 'Waiting to be sent: it is due, and a worker will take it next.'],
  [
    'was resumed by an operator',
    { transitions: [transition('resumed', null, { source: 'operator', words: 'urgent after all' })] },
    'Waiting to be sent: an operator let it go on at 2026-01-15 12:05:00 UTC, and a worker will take it next.',
  ],
  [
    'was retried by an operator',
    { attempts: [rejected], transitions: [transition('retried', null, { source: 'operator', words: 'unblocked' })] },
    'Waiting to be sent: an operator let it go on at 2026-01-15 12:05:00 UTC, and a worker will take it next.',
  ],
  [
    'is with the provider',
    { delivery: { status: 'dispatched' }, decisions: [decided({}), decided({ checkpoint: 'perform' }, LATER)] },
    'Being handed to the provider since 2026-01-15 12:05:00 UTC; its answer has not been recorded yet.',
  ],
  [
    'hangs, because its worker died and its adapter is not called twice',
    {
      delivery: { status: 'dispatched' },
      decisions: [decided({}), decided({ checkpoint: 'perform' }, NOON)],
      attempts: [{ ...ATTEMPT, outcome: 'unknown', errorClass: null, insertedAt: LATER }],
    },
    'Handed to the provider at 2026-01-15 12:00:00 UTC, where a worker died before the answer was recorded: it stays as it is until an operator decides, or the provider reports.',
  ],
  [
    'arrived in the inbox',
    {
      delivery: { status: 'succeeded', channel: 'in_app' },
      attempts: [{ ...ATTEMPT, outcome: 'succeeded', errorClass: null, adapter: 'in_app' }],
    },
    'Arrived in the inbox at 2026-01-15 12:00:00 UTC.',
  ],
  [
    'was sent',
    {
      delivery: { status: 'succeeded' },
      attempts: [ATTEMPT, { ...ATTEMPT, attemptNumber: 2, outcome: 'succeeded', errorClass: null, insertedAt: LATER }],
    },
    'Sent at 2026-01-15 12:05:00 UTC by mail, on try 2.',
  ],
  [
    'may have been sent twice',
    {
      delivery: { status: 'succeeded' },
      attempts: [
        { ...ATTEMPT, outcome: 'unknown', errorClass: null },
        { ...ATTEMPT, attemptNumber: 2, outcome: 'succeeded', errorClass: null },
      ],
    },
    'Sent at 2026-01-15 12:00:00 UTC by mail, on try 2; a worker died in mid-call before (1 try), so the provider may have seen it more than once, each time under the same idempotency key.',
  ],
  [
    'failed for now',
    {
      delivery: { status: 'failed', nextAttemptAt: LATER },
      attempts: [ATTEMPT, { ...ATTEMPT, attemptNumber: 2, reason: 'greylisted' }],
    },
    'Failed for now after 2 tries: the next one is due at 2026-01-15 12:05:00 UTC; the provider\'s words: "greylisted".',
  ],
  [
    'waits for its provider to come back',
    { delivery: { status: 'failed', nextAttemptAt: LATER, putOffBy: 'breaker' }, attempts: [ATTEMPT] },
    'Waits until 2026-01-15 12:05:00 UTC: its provider failed again and again, and is left alone until then.',
  ],
  ['is in a digest', { delivery: { status: 'digested' } }, 'Sent as part of a digest.'],
]

test.each(UNDER_WAY)('what %s says so', (_, told, expected) => {
  expect(summary(told)).toBe(expected)
})

test('whatever is stored, there is one sentence, with no gap in it', () => {
  for (const status of DELIVERY_STATUSES) {
    for (const orchestrationState of ['ready', 'deferred'] as const) {
      for (const reason of [...Object.keys(REASONS), 'constructor', null]) {
        const delivery = { status, orchestrationState, suppressionReason: reason, planningReason: reason }
        const decisionsOf: readonly Story['decisions'][] = [[], [decided({})]]
        for (const decisions of decisionsOf) {
          const told = summary({ delivery, decisions })
          expect(told).toMatch(/^[A-Z].*\.$/)
          expect(told).not.toMatch(/undefined|null|NaN| {2}|\.\.|function/)
        }
      }
    }
  }
})
