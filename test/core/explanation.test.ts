import { expect, test } from 'vitest'
import { DELIVERY_STATUSES } from '../../server/core/delivery.ts'
import { type Summarised, summaryOf } from '../../server/core/explanation.ts'
import { REASONS } from '../../server/core/reasons.ts'

const NOON = new Date('2026-01-15T12:00:00.000Z')
const LATER = new Date('2026-01-15T12:05:00.000Z')

const DELIVERY: Summarised['delivery'] = {
  insertedAt: NOON,
  channel: 'email',
  status: 'pending',
  orchestrationState: 'ready',
  planningReason: null,
  suppressionReason: null,
  nextEligibleAt: null,
  nextAttemptAt: null,
}

const ATTEMPT: Summarised['attempts'][number] = {
  attemptNumber: 1,
  outcome: 'failed',
  errorClass: 'temporary',
  adapter: 'mail',
  reason: null,
  startedAt: NOON,
  insertedAt: NOON,
}

const summary = ({
  delivery,
  ...rest
}: { delivery: Partial<Summarised['delivery']> } & Partial<Omit<Summarised, 'delivery'>>): string =>
  summaryOf({
    event: { insertedAt: NOON, notificationKey: 'k', actorId: null },
    notification: { insertedAt: NOON, recipientId: 'ada', seenAt: null, readAt: null, archivedAt: null },
    attempts: [],
    transitions: [],
    decisions: [{ checkpoint: 'planning', at: NOON, answers: [] }],
    ...rest,
    delivery: { ...DELIVERY, ...delivery },
  })

test('what is due says that a worker takes it next', () => {
  expect(summary({ delivery: {} })).toBe('Waiting to be sent: it is due, and a worker will take it next.')
})

test('what is put off says until when, and why', () => {
  const delivery = { orchestrationState: 'deferred', planningReason: 'quiet_hours', nextEligibleAt: LATER } as const
  expect(summary({ delivery })).toBe('Held until 2026-01-15 12:05:00 UTC: quiet_hours.')
})

test('what is with the provider says since when', () => {
  const decisions = [{ checkpoint: 'perform', at: LATER, answers: [] }] as const
  expect(summary({ delivery: { status: 'dispatched' }, decisions })).toBe(
    'Being handed to the provider since 2026-01-15 12:05:00 UTC; its answer has not been recorded yet.',
  )
})

test('what arrived in the inbox says when', () => {
  const attempts = [{ ...ATTEMPT, outcome: 'succeeded', adapter: 'in_app' }] as const
  expect(summary({ delivery: { status: 'succeeded', channel: 'in_app' }, attempts })).toBe(
    'Arrived in the inbox at 2026-01-15 12:00:00 UTC.',
  )
})

test('what was sent says when, by what, and on which try', () => {
  const attempts = [ATTEMPT, { ...ATTEMPT, attemptNumber: 2, outcome: 'succeeded', insertedAt: LATER }] as const
  expect(summary({ delivery: { status: 'succeeded' }, attempts })).toBe(
    'Sent at 2026-01-15 12:05:00 UTC by mail, on try 2.',
  )
})

test('what may have been sent twice says so', () => {
  const attempts = [
    { ...ATTEMPT, outcome: 'unknown' },
    { ...ATTEMPT, attemptNumber: 2, outcome: 'succeeded' },
  ] as const
  expect(summary({ delivery: { status: 'succeeded' }, attempts })).toMatch(
    /A worker died in mid-call before \(one try\), so the provider may have seen it more than once/,
  )
})

test("what failed for now says how often, when the next try is due, and the provider's words", () => {
  const attempts = [ATTEMPT, { ...ATTEMPT, attemptNumber: 2, reason: 'greylisted' }]
  expect(summary({ delivery: { status: 'failed', nextAttemptAt: LATER }, attempts })).toBe(
    'Failed for now after 2 tries; the next one is due at 2026-01-15 12:05:00 UTC. The provider\'s words: "greylisted".',
  )
})

test('what was suppressed says when it was decided, and what the reason means', () => {
  expect(summary({ delivery: { status: 'suppressed', suppressionReason: 'missing_address' } })).toBe(
    'Not sent: decided at 2026-01-15 12:00:00 UTC. The recipient has no address for this channel.',
  )
})

test('what was cancelled says when, what the reason means, and what the provider said', () => {
  const transitions = [{ event: 'cancelled', reason: 'permanent_failure', context: {}, at: LATER }]
  const attempts = [{ ...ATTEMPT, outcome: 'rejected', reason: '550 blocked' }] as const
  expect(
    summary({ delivery: { status: 'cancelled', suppressionReason: 'permanent_failure' }, transitions, attempts }),
  ).toBe(
    'Not sent: cancelled at 2026-01-15 12:05:00 UTC. The provider refused it for good. The provider\'s words: "550 blocked".',
  )
})

test('there is a sentence for every status and every reason, with no gap in it', () => {
  for (const status of DELIVERY_STATUSES) {
    for (const suppressionReason of [...Object.keys(REASONS), null]) {
      const sentence = summary({ delivery: { status, suppressionReason } })
      expect(sentence).toMatch(/^[A-Z].*\.$/)
      expect(sentence).not.toMatch(/undefined|null|NaN| {2}/)
    }
  }
})
