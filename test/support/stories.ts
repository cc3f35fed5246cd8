import { type Checkpoint, readAnswers, storedAnswers } from '../../server/core/decision.ts'
import type { StoredAttempt, StoredDecision, Story } from '../../server/core/explanation.ts'
import { plan } from '../../server/core/plan.ts'
import type { PlanFacts } from '../../server/core/plan-facts.ts'

export const NOON = new Date('2026-01-15T12:00:00.000Z')
export const LATER = new Date('2026-01-15T12:05:00.000Z')

/** What the planner is told of a delivery that nothing is against. */
export const FACTS: PlanFacts = {
  checkpoint: 'planning',
  notificationKey: 'comment.mentioned',
  category: 'comments',
  channel: 'email',
  required: false,
  urgent: false,
  released: false,
  expiresAt: null,
  preferences: [],
  addresses: { needed: true, usable: 1, bounced: 0 },
  fallback: null,
  read: false,
  digest: null,
  member: null,
  caps: [],
  quietHours: [],
  zone: { timeZone: 'Europe/Berlin', zoneFrom: 'recipient' },
}

/** What the planner decides on facts, as it is read back from where it was stored. */
export const decided = (facts: Partial<PlanFacts>, at: Date = NOON): StoredDecision => {
  const whole = { ...FACTS, ...facts }
  const answers = readAnswers(JSON.parse(storedAnswers(plan(whole, at).answers)))
  return { checkpoint: whole.checkpoint satisfies Checkpoint, at, answers }
}

export const ATTEMPT: StoredAttempt = {
  attemptNumber: 1,
  outcome: 'failed',
  errorClass: 'temporary',
  adapter: 'mail',
  providerMessageId: null,
  reason: null,
  source: 'call',
  startedAt: NOON,
  insertedAt: NOON,
}

/** A story of which only what matters has to be told. */
export const storyOf = ({
  delivery,
  notification,
  ...rest
}: Partial<Omit<Story, 'delivery' | 'notification'>> & {
  readonly delivery?: Partial<Story['delivery']>
  readonly notification?: Partial<Story['notification']>
}): Story => ({
  event: { insertedAt: NOON },
  digest: null,
  attempts: [],
  transitions: [],
  decisions: [decided({})],
  run: null,
  ...rest,
  notification: {
    insertedAt: NOON,
    recipientId: 'ada',
    seenAt: null,
    readAt: null,
    archivedAt: null,
    prunedAt: null,
    erasedAt: null,
    ...notification,
  },
  delivery: {
    insertedAt: NOON,
    notificationKey: FACTS.notificationKey,
    category: FACTS.category,
    channel: FACTS.channel,
    stepKey: '',
    status: 'pending',
    orchestrationState: 'ready',
    planningReason: null,
    suppressionReason: null,
    nextEligibleAt: null,
    nextAttemptAt: null,
    putOffBy: null,
    ...delivery,
  },
})
