import { type Counterfactual as Change, whatWouldSendIt } from '../server/core/counterfactual.ts'
import type { Checkpoint as CheckpointName, RuleAnswer, Verdict as VerdictName } from '../server/core/decision.ts'
import { waitingFor } from '../server/core/delivery.ts'
import { resumptionOf, type StoryDigest } from '../server/core/explanation.ts'
import { encodeNodeId, idOfType } from '../server/core/node-id.ts'
import { summaryOf } from '../server/core/summary.ts'
import { type TimelineEntry as Entry, endsOfTimeline, timelineOf } from '../server/core/timeline.ts'
import { badInput, CarillonError } from '../server/errors.ts'
import type { Explanation } from '../server/operations/traces.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import { Delivery, DeliveryAttempt, DeliveryStatus, OrchestrationState } from './delivery.ts'
import { DigestMember } from './digest/member.ts'

const Checkpoint = builder.enumType('Checkpoint', {
  description: 'When the planner was asked.',
  values: {
    PLANNING: { value: 'planning', description: 'When the delivery was made.' },
    PERFORM: { value: 'perform', description: 'Just before it was handed over.' },
  } as const,
})

export const Verdict = builder.enumType('Verdict', {
  description: 'What a rule said.',
  values: {
    PASS: { value: 'pass', description: 'Nothing against it.' },
    SUPPRESS: { value: 'suppress', description: 'It must not be sent.' },
    DEFER: { value: 'defer', description: 'Not now.' },
    DIGEST: { value: 'digest', description: 'Hold it for a digest.' },
    CANCEL: { value: 'cancel', description: 'It is too late for it.' },
  } as const,
})

interface DecisionShape extends RuleAnswer {
  readonly checkpoint: CheckpointName
  readonly at: Date
}

export const Decision = builder.objectRef<DecisionShape>('Decision').implement({
  description: "One rule's answer, as it was stored by what acted on it.",
  fields: (t) => ({
    checkpoint: t.field({
      type: Checkpoint,
      description: 'When it was asked.',
      resolve: ({ checkpoint }) => checkpoint,
    }),
    at: t.expose('at', { type: 'DateTime', description: 'The instant that was decided for.' }),
    rule: t.exposeString('rule', { description: 'notification_preference, category_preference, address, ...' }),
    verdict: t.field({ type: Verdict, description: 'What it said.', resolve: ({ verdict }): VerdictName => verdict }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why, where it objected.' }),
    facts: t.field({
      type: 'JSON',
      description: 'What the rule saw; no personal data, no payload.',
      resolve: ({ facts }) => facts,
    }),
  }),
})

const TimelineEntry = builder.objectRef<Entry>('TimelineEntry').implement({
  description: 'One thing that happened to a delivery.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    event: t.exposeString('event', {
      description: 'event_created, notification_created, delivery_planned, claimed, attempt_recorded, ...',
    }),
    detail: t.field({ type: 'JSON', description: 'More about it.', resolve: ({ detail }) => detail }),
  }),
})

const Counterfactual = builder.objectRef<Change>('Counterfactual').implement({
  description: 'What would have let a delivery be sent, each found by asking the planner again.',
  fields: (t) => ({
    kind: t.exposeString('kind', {
      description: 'wait, recipient_setting, tenant_setting, data or code; the cheapest come first.',
    }),
    description: t.exposeString('description', { description: 'One sentence.' }),
    change: t.field({
      type: 'JSON',
      description: 'The same as data; to wait, until when; a list where one change alone is not enough.',
      resolve: ({ change }) => change,
    }),
  }),
})

const DigestExplanation = builder.objectRef<StoryDigest>('DigestExplanation').implement({
  description: 'What a digest has to do with a delivery.',
  fields: (t) => ({
    outcome: t.exposeString('outcome', {
      description: 'held, included, skipped, emitted_immediately, or emitted_digest for the digest itself.',
    }),
    ruleIdentity: t.exposeString('ruleIdentity', {
      description: 'The rule that holds it: its key and version, as in "mentions:v2".',
    }),
    windowStartsAt: t.expose('windowStartsAt', {
      type: 'DateTime',
      nullable: true,
      description: 'From when its bucket holds.',
    }),
    windowEndsAt: t.expose('windowEndsAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its bucket closes, unless it does, or did, sooner.',
    }),
    bucketId: t.id({
      description: 'The bucket that it is, or was, held in, or that it is the digest of.',
      resolve: ({ bucketId }) => encodeNodeId('DigestBucket', bucketId),
    }),
    digestDeliveryId: t.id({
      nullable: true,
      description: "The digest's delivery; null where there is none yet, or nothing was left to send.",
      resolve: ({ digestDeliveryId: id }) => (id === null ? null : encodeNodeId('Delivery', id)),
    }),
    resolutionReason: t.exposeString('resolutionReason', {
      nullable: true,
      description: 'Why it was left out, or let go before.',
    }),
    members: t.field({
      type: [DigestMember],
      description: 'For the digest itself: what went in and what did not, the first 100.',
      resolve: ({ members }) => [...members],
    }),
    memberCount: t.exposeInt('memberCount', { description: 'For the digest itself: how many there are in all.' }),
  }),
})

/** Every id that leaves the server is opaque. */
const withNodeIds = (entry: Entry): Entry => {
  const { workflowRunId, signalId } = entry.detail
  if (workflowRunId === undefined) return entry
  const detail = {
    ...entry.detail,
    workflowRunId: encodeNodeId('WorkflowRun', String(workflowRunId)),
    ...(signalId !== undefined && { signalId: encodeNodeId('Signal', String(signalId)) }),
  }
  return { ...entry, detail }
}

const DEFAULT_ENTRIES = 200
const MAX_ENTRIES = 1_000

export const DeliveryExplanation = builder.objectRef<Explanation>('DeliveryExplanation').implement({
  description: 'The whole answer to: why was this delivery sent, held, dropped or failed?',
  fields: (t) => ({
    deliveryId: t.id({
      description: 'Which delivery.',
      resolve: ({ delivery: { id } }) => encodeNodeId('Delivery', id),
    }),
    notificationId: t.id({
      description: 'Of which notification.',
      resolve: ({ notification: { id } }) => encodeNodeId('Notification', id),
    }),
    eventId: t.id({ description: 'Of which event.', resolve: ({ event: { id } }) => encodeNodeId('Event', id) }),
    stepKey: t.string({
      nullable: true,
      description: 'For which workflow step.',
      resolve: ({ delivery: { stepKey } }) => stepKey || null,
    }),
    orchestrationState: t.field({
      type: OrchestrationState,
      description: 'Whether it may go on.',
      resolve: ({ delivery: { orchestrationState } }) => orchestrationState,
    }),
    waitingFor: t.string({
      nullable: true,
      description: 'What it waits for, where it is not terminal.',
      resolve: ({ delivery }) => waitingFor(delivery),
    }),
    correlationId: t.string({
      nullable: true,
      description: "The caller's own mark.",
      resolve: ({ event: { correlationId } }) => correlationId,
    }),
    notificationKey: t.string({
      description: 'Which notifier.',
      resolve: ({ delivery: { notificationKey } }) => notificationKey,
    }),
    recipientId: t.id({
      description: "Whom it was for, by the host's own id.",
      resolve: ({ notification: { recipientId } }) => recipientId,
    }),
    channel: t.string({ description: 'Which channel.', resolve: ({ delivery: { channel } }) => channel }),
    renderKey: t.string({
      nullable: true,
      description: 'Which template.',
      resolve: ({ delivery: { renderKey } }) => renderKey,
    }),
    renderVersion: t.int({
      nullable: true,
      description: 'Which version of it.',
      resolve: ({ delivery: { renderVersion } }) => renderVersion,
    }),
    status: t.field({
      type: DeliveryStatus,
      description: 'What became of it.',
      resolve: ({ delivery: { status } }) => status,
    }),
    planningReason: t.string({
      nullable: true,
      description: 'Why it was deferred or held.',
      resolve: ({ delivery: { planningReason } }) => planningReason,
    }),
    planningContext: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What that went by: the rule, and what it saw.',
      resolve: ({ delivery: { planningContext } }) => planningContext,
    }),
    nextEligibleAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When a deferred one may go on.',
      resolve: ({ delivery: { nextEligibleAt } }) => nextEligibleAt,
    }),
    resumeSource: t.string({
      nullable: true,
      description: 'Who let a deferred one go on, latest: schedule or operator.',
      resolve: (story) => resumptionOf(story)?.source ?? null,
    }),
    resumeScheduledAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it would have gone on by itself.',
      resolve: (story) => resumptionOf(story)?.scheduledAt ?? null,
    }),
    resumedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it went on.',
      resolve: (story) => resumptionOf(story)?.at ?? null,
    }),
    suppressionReason: t.string({
      nullable: true,
      description: 'Why it was suppressed or cancelled.',
      resolve: ({ delivery: { suppressionReason } }) => suppressionReason,
    }),
    lastAttempt: t.field({
      type: DeliveryAttempt,
      nullable: true,
      description: 'The latest call of its provider.',
      resolve: ({ attempts }) => attempts.at(-1) ?? null,
    }),
    digest: t.field({
      type: DigestExplanation,
      nullable: true,
      description: 'What a digest has to do with it: it is held for one, was, or is one.',
      resolve: ({ digest }) => digest,
    }),
    timeline: t.field({
      type: [TimelineEntry],
      description: 'Chronological: by instant, then by cause before effect.',
      args: { first: t.arg.int({ description: 'At most this many (200, maximum 1000), oldest and newest kept.' }) },
      resolve: (story, { first }) => {
        const size = first ?? DEFAULT_ENTRIES
        if (size < 1 || size > MAX_ENTRIES) throw badInput(`A timeline has 1 to ${MAX_ENTRIES} entries`, ['first'])
        return [...endsOfTimeline(timelineOf(story), size)].map(withNodeIds)
      },
    }),
    decisions: t.field({
      type: [Decision],
      description: 'Every rule that was asked, in order, at every checkpoint: those that let it pass too.',
      resolve: ({ decisions }) =>
        decisions.flatMap(({ checkpoint, at, answers }) => answers.map((answer) => ({ ...answer, checkpoint, at }))),
    }),
    summary: t.string({ description: 'One sentence a support person can read out.', resolve: summaryOf }),
    whatWouldSendIt: t.field({
      type: [Counterfactual],
      description:
        'The smallest changes with which the planner lets it pass, as of its latest decision; empty where it lets it pass, or was not what stopped it.',
      resolve: (story) => [...whatWouldSendIt(story)],
    }),
  }),
})

builder.prismaObjectField(Delivery, 'explanation', (t) =>
  t.field({
    type: DeliveryExplanation,
    description: 'Why it was sent, held, dropped or failed.',
    resolve: async ({ id }, _, context) => {
      const explanation = await context.explain(id)
      if (!explanation) throw new CarillonError('NOT_FOUND', 'There is no such delivery any more')
      return explanation
    },
  }),
)

builder.queryField('explainDelivery', (t) =>
  t.field({
    type: DeliveryExplanation,
    nullable: true,
    description: 'Why was this delivery sent, held, dropped or failed? null where it does not exist [operator].',
    args: { deliveryId: t.arg.id({ required: true, description: "The delivery's id." }) },
    resolve: (_, { deliveryId }, context) => {
      allow(context, 'OPERATE')
      const id = idOfType('Delivery', deliveryId)
      return id === null ? null : context.explain(id)
    },
  }),
)
