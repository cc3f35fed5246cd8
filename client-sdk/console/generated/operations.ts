/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** How one call of a provider ended, or what it reported later. */
export type AttemptOutcome =
  /** The address is bad. */
  | 'BOUNCED'
  /** It may be tried again. */
  | 'FAILED'
  /** Refused for good; in a report: the recipient complained. */
  | 'REJECTED'
  /** The provider took it; in a report: it arrived. */
  | 'SUCCEEDED'
  /** The process died between the provider call and its record. */
  | 'UNKNOWN';

/** When the planner was asked. */
export type Checkpoint =
  /** Just before it was handed over. */
  | 'PERFORM'
  /** When the delivery was made. */
  | 'PLANNING';

/** Which delivery, and why. */
export type DeliveryActionInput = {
  /** The delivery's id. */
  readonly deliveryId: string;
  /** The operator's own words: kept, and shown in the timeline. */
  readonly reason: string;
};

/** Which deliveries: those that fit all that is given. */
export type DeliveryFilter = {
  /** Hanging until an operator retries or cancels it, since its worker died in mid-call; false: the others. */
  readonly awaitsOperator?: boolean | null | undefined;
  /** On this channel. */
  readonly channel?: string | null | undefined;
  /** Of events with this mark. */
  readonly correlationId?: string | null | undefined;
  /** Of this event. */
  readonly eventId?: string | null | undefined;
  /** Planned at this instant or later. */
  readonly insertedAfter?: string | null | undefined;
  /** Planned before this instant. */
  readonly insertedBefore?: string | null | undefined;
  /** Of this notification. */
  readonly notificationId?: string | null | undefined;
  /** Of this notifier. */
  readonly notificationKey?: string | null | undefined;
  /** In one of these. */
  readonly orchestrationState?: ReadonlyArray<OrchestrationState> | null | undefined;
  /** To this recipient, by the host's own id. */
  readonly recipientId?: string | null | undefined;
  /** In one of these. */
  readonly status?: ReadonlyArray<DeliveryStatus> | null | undefined;
  /** Suppressed or cancelled for this reason. */
  readonly suppressionReason?: string | null | undefined;
};

/** What deliveries are counted by. */
export type DeliveryOutcome =
  /** Given up or stopped for another reason. */
  | 'CANCELLED'
  /** Deferred, or held for a digest. */
  | 'DELAYED'
  /** Sent as part of a digest. */
  | 'DIGESTED'
  /** Given up: all tries were used up. */
  | 'EXHAUSTED'
  /** Failed for now; another try is due. */
  | 'FAILED'
  /** To be sent now, or being handed to the provider. */
  | 'PENDING'
  /** The provider took it, or it is in the inbox. */
  | 'SENT'
  /** A rule said that it must not be sent. */
  | 'SUPPRESSED';

/** What became of a delivery. Succeeded, suppressed, cancelled and digested are final. */
export type DeliveryStatus =
  /** Given up, or stopped. */
  | 'CANCELLED'
  /** Sent as part of a digest. */
  | 'DIGESTED'
  /** Being handed to the provider. */
  | 'DISPATCHED'
  /** Failed for now; another try is due. */
  | 'FAILED'
  /** To be sent. */
  | 'PENDING'
  /** The provider took it, or it is in the inbox. */
  | 'SUCCEEDED'
  /** A rule said that it must not be sent. */
  | 'SUPPRESSED';

/** What became of a bucket. */
export type DigestBucketState =
  /** Closed, and its digest is on its way. */
  | 'EMITTED'
  /** Closed with nothing left to send. */
  | 'EMPTY'
  /** It holds its members; it may be full. */
  | 'OPEN';

/** By what a rule tells its buckets apart. */
export type DigestGroupBy =
  /** One for each category; what has none is not held. */
  | 'CATEGORY'
  /** One for each of the notifier's own digest keys; what has none is not held. */
  | 'DIGEST_KEY'
  /** One for each notifier. */
  | 'NOTIFICATION_KEY';

/** When a bucket closes. */
export type DigestWindowKind =
  /** Daily at a local time. */
  | 'BOUNDARY'
  /** Slots of windowMinutes, aligned to the epoch. */
  | 'FIXED'
  /** windowMinutes after the latest item, but no later than maxWindowMinutes after the first. */
  | 'SLIDING';

/** How far an event has come. */
export type EventStatus =
  /** Stopped by cancelEvent. */
  | 'CANCELLED'
  /** Every recipient is planned. */
  | 'PLANNED'
  /** Recorded; its recipients are being planned. */
  | 'PLANNING'
  /** Waits for its time. */
  | 'SCHEDULED';

/** Whether a delivery may go on. */
export type OrchestrationState =
  /** Not before `nextEligibleAt`. */
  | 'DEFERRED'
  /** Held for a digest. */
  | 'DIGEST_HELD'
  /** It may. */
  | 'READY';

/** Which deliveries are counted, and by which periods. */
export type OutcomeHistoryInput = {
  /** On this channel. */
  readonly channel?: string | null | undefined;
  /** Planned at this instant or later; the periods are counted from here on. */
  readonly insertedAfter: string;
  /** Planned before this instant, at most 31 days later; now where left out. */
  readonly insertedBefore?: string | null | undefined;
  /** Of this notifier. */
  readonly notificationKey?: string | null | undefined;
  /** How long a period is, 1 to 1440; there may be 750 of them. */
  readonly periodMinutes: number;
};

/** What to render, and for whom. */
export type PreviewRenderingInput = {
  /** One of those that the notifier renders. */
  readonly channel: string;
  /** Which notifier. */
  readonly notificationKey: string;
  /** What happened, as the notifier wants it; {} where left out. */
  readonly payload?: unknown;
  /** For whom; details given here are laid over the stored ones, and not stored. */
  readonly recipient: RecipientInput;
};

/** A further address. */
export type RecipientAddressInput = {
  /** For push: the browser's PushSubscription as JSON. */
  readonly address: string;
  /** The channel that it is for. */
  readonly channel: string;
};

/** A recipient with details. Left out: unchanged. null: removed. */
export type RecipientInput = {
  /** Added to those it has, of which there are at most 100 then, email and phone among them: more are refused with all that was asked for. A channel may have several, such as a push subscription per device. In upsertRecipients one that bounced is good again; with a trigger it stays as it is, for a backend repeats these with every trigger. */
  readonly addresses?: ReadonlyArray<RecipientAddressInput> | null | undefined;
  /** The host's own details, given to renders. */
  readonly data?: unknown;
  /** What people call it. */
  readonly displayName?: string | null | undefined;
  /** Its e-mail address. */
  readonly email?: string | null | undefined;
  /** The caller's own id for this person or system. */
  readonly id: string;
  /** A BCP 47 tag. */
  readonly locale?: string | null | undefined;
  /** Its phone number. */
  readonly phone?: string | null | undefined;
  /** An IANA zone name. */
  readonly timeZone?: string | null | undefined;
  /** Left out: unchanged, `user` where never given. */
  readonly type?: string | null | undefined;
};

/** What a credential allows. */
export type Scope =
  /** Operators: explanations, and every inbox. */
  | 'OPERATE'
  /** A front end: the inbox and preferences of one recipient. */
  | 'RECIPIENT'
  /** Backends: trigger and signal, recipients, tokens. */
  | 'TRIGGER';

/** Something that might happen, and whom it would concern. */
export type SimulateTriggerInput = {
  /** Who caused it; never notified of its own act. */
  readonly actorId?: string | null | undefined;
  /** The instant to decide for; now where left out. */
  readonly at?: string | null | undefined;
  /** Which notifier. */
  readonly notificationKey: string;
  /** What happened, as the notifier wants it; {} where left out. */
  readonly payload?: unknown;
  /** Who would get it, beside those whom the notifier names; details given here are used, and not stored. At most 1000. */
  readonly recipients?: ReadonlyArray<RecipientInput> | null | undefined;
  /** Everyone subscribed to these topics. At most 100. */
  readonly topics?: ReadonlyArray<string> | null | undefined;
};

/** What a rule said. */
export type Verdict =
  /** It is too late for it. */
  | 'CANCEL'
  /** Not now. */
  | 'DEFER'
  /** Hold it for a digest. */
  | 'DIGEST'
  /** Nothing against it. */
  | 'PASS'
  /** It must not be sent. */
  | 'SUPPRESS';

/** A day of the week. */
export type Weekday =
  | 'FRIDAY'
  | 'MONDAY'
  | 'SATURDAY'
  | 'SUNDAY'
  | 'THURSDAY'
  | 'TUESDAY'
  | 'WEDNESDAY';

/** Where a run stands. Completed, stopped and cancelled are for good. */
export type WorkflowRunState =
  /** The present step's delivery is under way. */
  | 'ACTIVE'
  /** By an operator, with its event, or because it expired. */
  | 'CANCELLED'
  /** No rule led further. */
  | 'COMPLETED'
  /** A rule stopped it, or a step could not be made any more. */
  | 'STOPPED'
  /** Until `waitingUntil`, or one of `waitingForSignals`. */
  | 'WAITING';

export type DeliveryPageQueryVariables = Exact<{
  filter?: DeliveryFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type DeliveryPageQuery = { readonly deliveries: { readonly edges: ReadonlyArray<{ readonly node: DeliveryRowFragment }>, readonly pageInfo: PageEndsFragment } };

export type DeliveryTailSubscriptionVariables = Exact<{
  filter?: DeliveryFilter | null | undefined;
}>;


export type DeliveryTailSubscription = { readonly deliveryUpdates: DeliveryStateFragment };

export type RetryDeliveryMutationVariables = Exact<{
  input: DeliveryActionInput;
}>;


export type RetryDeliveryMutation = { readonly retryDelivery: { readonly delivery: DeliveryStateFragment } };

export type CancelDeliveryMutationVariables = Exact<{
  input: DeliveryActionInput;
}>;


export type CancelDeliveryMutation = { readonly cancelDelivery: { readonly delivery: DeliveryStateFragment } };

export type ResumeDeliveryMutationVariables = Exact<{
  input: DeliveryActionInput;
}>;


export type ResumeDeliveryMutation = { readonly resumeDelivery: { readonly delivery: DeliveryStateFragment } };

export type DeliveryStateFragment = { readonly id: string, readonly channel: string, readonly stepKey: string | null, readonly status: DeliveryStatus, readonly orchestrationState: OrchestrationState, readonly waitingFor: string | null, readonly suppressionReason: string | null, readonly insertedAt: string, readonly updatedAt: string, readonly notification: { readonly id: string, readonly recipientId: string, readonly notificationKey: string } };

export type DeliveryRowFragment = (
  { readonly explanation: { readonly summary: string } }
  & DeliveryStateFragment
);

export type PageEndsFragment = { readonly startCursor: string | null, readonly endCursor: string | null, readonly hasNextPage: boolean, readonly hasPreviousPage: boolean };

export type OverviewQueryVariables = Exact<{
  input: OutcomeHistoryInput;
}>;


export type OverviewQuery = { readonly outcomeHistory: ReadonlyArray<{ readonly startsAt: string, readonly outcomes: ReadonlyArray<{ readonly outcome: DeliveryOutcome, readonly count: number }> }> };

export type QueueQueryVariables = Exact<{ [key: string]: never; }>;


export type QueueQuery = { readonly queue: ReadonlyArray<{ readonly lane: string, readonly dueCount: number, readonly oldestDueAt: string | null, readonly underWayCount: number, readonly laterCount: number, readonly retryingCount: number, readonly nextDueAt: string | null }> };

export type SearchQueryVariables = Exact<{
  text: string;
  id: string;
}>;


export type SearchQuery = { readonly eventByIdempotencyKey: EventLineFragment | null, readonly events: { readonly edges: ReadonlyArray<{ readonly node: EventLineFragment }>, readonly pageInfo: { readonly hasNextPage: boolean } }, readonly recipients: { readonly edges: ReadonlyArray<{ readonly node: { readonly id: string, readonly recipientId: string, readonly displayName: string | null } }>, readonly pageInfo: { readonly hasNextPage: boolean } }, readonly deliveries: { readonly edges: ReadonlyArray<{ readonly node: DeliveryRowFragment }> } };

export type ByIdQueryVariables = Exact<{
  event: string;
  delivery: string;
  notification: string;
  bucket: string;
  run: string;
}>;


export type ByIdQuery = { readonly event:
    | { readonly __typename: 'Delivery' }
    | { readonly __typename: 'DeliveryAttempt' }
    | { readonly __typename: 'DigestBucket' }
    | { readonly __typename: 'DigestRule' }
    | { readonly __typename: 'Event' }
    | { readonly __typename: 'Notification' }
    | { readonly __typename: 'Recipient' }
    | { readonly __typename: 'Signal' }
    | { readonly __typename: 'Topic' }
    | { readonly __typename: 'WebhookIngress' }
    | { readonly __typename: 'WorkflowRun' }
    | { readonly __typename: 'WorkflowTransition' }
   | null, readonly delivery:
    | { readonly __typename: 'Delivery' }
    | { readonly __typename: 'DeliveryAttempt' }
    | { readonly __typename: 'DigestBucket' }
    | { readonly __typename: 'DigestRule' }
    | { readonly __typename: 'Event' }
    | { readonly __typename: 'Notification' }
    | { readonly __typename: 'Recipient' }
    | { readonly __typename: 'Signal' }
    | { readonly __typename: 'Topic' }
    | { readonly __typename: 'WebhookIngress' }
    | { readonly __typename: 'WorkflowRun' }
    | { readonly __typename: 'WorkflowTransition' }
   | null, readonly notification:
    | { readonly __typename: 'Delivery' }
    | { readonly __typename: 'DeliveryAttempt' }
    | { readonly __typename: 'DigestBucket' }
    | { readonly __typename: 'DigestRule' }
    | { readonly __typename: 'Event' }
    | { readonly __typename: 'Notification' }
    | { readonly __typename: 'Recipient' }
    | { readonly __typename: 'Signal' }
    | { readonly __typename: 'Topic' }
    | { readonly __typename: 'WebhookIngress' }
    | { readonly __typename: 'WorkflowRun' }
    | { readonly __typename: 'WorkflowTransition' }
   | null, readonly bucket:
    | { readonly __typename: 'Delivery' }
    | { readonly __typename: 'DeliveryAttempt' }
    | { readonly __typename: 'DigestBucket' }
    | { readonly __typename: 'DigestRule' }
    | { readonly __typename: 'Event' }
    | { readonly __typename: 'Notification' }
    | { readonly __typename: 'Recipient' }
    | { readonly __typename: 'Signal' }
    | { readonly __typename: 'Topic' }
    | { readonly __typename: 'WebhookIngress' }
    | { readonly __typename: 'WorkflowRun' }
    | { readonly __typename: 'WorkflowTransition' }
   | null, readonly run:
    | { readonly __typename: 'Delivery' }
    | { readonly __typename: 'DeliveryAttempt' }
    | { readonly __typename: 'DigestBucket' }
    | { readonly __typename: 'DigestRule' }
    | { readonly __typename: 'Event' }
    | { readonly __typename: 'Notification' }
    | { readonly __typename: 'Recipient' }
    | { readonly __typename: 'Signal' }
    | { readonly __typename: 'Topic' }
    | { readonly __typename: 'WebhookIngress' }
    | { readonly __typename: 'WorkflowRun' }
    | { readonly __typename: 'WorkflowTransition' }
   | null };

export type NamedQueryVariables = Exact<{
  id: string;
}>;


export type NamedQuery = { readonly node:
    | { readonly __typename: 'Delivery' }
    | { readonly __typename: 'DeliveryAttempt' }
    | { readonly __typename: 'DigestBucket' }
    | { readonly __typename: 'DigestRule' }
    | { readonly __typename: 'Event' }
    | { readonly __typename: 'Notification' }
    | { readonly __typename: 'Recipient', readonly recipientId: string }
    | { readonly __typename: 'Signal' }
    | { readonly __typename: 'Topic' }
    | { readonly __typename: 'WebhookIngress', readonly delivery: { readonly id: string } | null }
    | { readonly __typename: 'WorkflowRun' }
    | { readonly __typename: 'WorkflowTransition' }
   | null };

export type WhoAmIQueryVariables = Exact<{ [key: string]: never; }>;


export type WhoAmIQuery = { readonly viewer: { readonly tenantId: string, readonly scopes: ReadonlyArray<Scope> } };

export type VocabularyQueryVariables = Exact<{ [key: string]: never; }>;


export type VocabularyQuery = { readonly reasons: ReadonlyArray<{ readonly code: string, readonly description: string }>, readonly notifiers: ReadonlyArray<{ readonly key: string, readonly description: string | null, readonly category: string | null, readonly channels: ReadonlyArray<string>, readonly required: boolean, readonly urgent: boolean, readonly version: number, readonly payloadSchema: unknown, readonly examplePayload: unknown }> };

export type StoryQueryVariables = Exact<{
  id: string;
}>;


export type StoryQuery = { readonly delivery: (
    { readonly nextAttemptAt: string | null, readonly nextEligibleAt: string | null, readonly attempts: ReadonlyArray<AttemptMadeFragment> }
    & DeliveryStateFragment
  ) | null, readonly explainDelivery: { readonly eventId: string, readonly correlationId: string | null, readonly summary: string, readonly renderKey: string | null, readonly renderVersion: number | null, readonly whatWouldSendIt: ReadonlyArray<{ readonly kind: string, readonly description: string }>, readonly timeline: ReadonlyArray<HappeningFragment>, readonly decisions: ReadonlyArray<DecisionMadeFragment>, readonly digest: { readonly outcome: string, readonly ruleIdentity: string, readonly bucketId: string, readonly digestDeliveryId: string | null, readonly windowEndsAt: string | null, readonly resolutionReason: string | null, readonly memberCount: number, readonly members: ReadonlyArray<{ readonly deliveryId: string, readonly notificationKey: string, readonly resolution: string | null, readonly reason: string | null }> } | null, readonly workflowRun: { readonly id: string, readonly workflowKey: string, readonly state: WorkflowRunState, readonly currentStepKey: string | null } | null } | null };

export type AttemptMadeFragment = { readonly id: string, readonly attemptNumber: number, readonly source: string, readonly outcome: AttemptOutcome, readonly errorClass: string | null, readonly reason: string | null, readonly adapter: string | null, readonly address: string | null, readonly providerMessageId: string | null, readonly startedAt: string | null, readonly insertedAt: string };

export type HappeningFragment = { readonly at: string, readonly event: string, readonly detail: unknown };

export type DecisionMadeFragment = { readonly checkpoint: Checkpoint, readonly rule: string, readonly verdict: Verdict, readonly reason: string | null, readonly facts: unknown, readonly at: string };

export type EventPageQueryVariables = Exact<{
  id: string;
  after?: string | null | undefined;
}>;


export type EventPageQuery = { readonly event: (
    { readonly notificationVersion: number, readonly actorId: string | null, readonly payload: unknown, readonly isDigest: boolean, readonly sendAt: string | null, readonly expiresAt: string | null, readonly plannedRecipientCount: number, readonly failedRecipientCount: number, readonly deliveries: { readonly edges: ReadonlyArray<{ readonly node: DeliveryRowFragment }>, readonly pageInfo: PageEndsFragment } }
    & EventLineFragment
  ) | null };

export type RecipientPageQueryVariables = Exact<{
  recipientId: string;
}>;


export type RecipientPageQuery = { readonly recipient: { readonly id: string, readonly type: string, readonly displayName: string | null, readonly email: string | null, readonly phone: string | null, readonly timeZone: string | null, readonly locale: string | null, readonly data: unknown, readonly addresses: ReadonlyArray<{ readonly id: string, readonly channel: string, readonly address: string, readonly bouncedAt: string | null }>, readonly topics: ReadonlyArray<{ readonly id: string, readonly key: string }> } | null, readonly preferences: { readonly effective: ReadonlyArray<{ readonly notificationKey: string, readonly category: string | null, readonly channel: string, readonly enabled: boolean, readonly locked: boolean, readonly decidedBy: { readonly notificationKey: string | null, readonly category: string | null, readonly channel: string | null, readonly updatedAt: string } | null }>, readonly policy: { readonly timeZone: string | null, readonly quietHours: ReadonlyArray<{ readonly start: string, readonly end: string, readonly days: ReadonlyArray<Weekday>, readonly channels: ReadonlyArray<string> }>, readonly caps: ReadonlyArray<{ readonly limit: number, readonly windowMinutes: number, readonly channel: string | null, readonly category: string | null }> } } };

export type WhyRecipientQueryVariables = Exact<{
  recipientId: string;
  notificationKey: string;
  since?: string | null | undefined;
}>;


export type WhyRecipientQuery = { readonly explainRecipient: { readonly finding: string, readonly summary: string, readonly explanations: ReadonlyArray<{ readonly deliveryId: string, readonly channel: string, readonly status: DeliveryStatus, readonly orchestrationState: OrchestrationState, readonly waitingFor: string | null, readonly summary: string }> } };

export type BucketPageQueryVariables = Exact<{
  id: string;
  after?: string | null | undefined;
}>;


export type BucketPageQuery = { readonly node:
    | { readonly __typename: 'Delivery' }
    | { readonly __typename: 'DeliveryAttempt' }
    | { readonly __typename: 'DigestBucket', readonly id: string, readonly channel: string, readonly state: DigestBucketState, readonly recipientId: string, readonly groupingValue: string, readonly windowStartsAt: string, readonly windowEndsAt: string, readonly emittedAt: string | null, readonly memberCount: number, readonly rule: { readonly key: string, readonly version: number, readonly windowKind: DigestWindowKind, readonly groupBy: DigestGroupBy }, readonly digestDelivery: { readonly id: string } | null, readonly members: { readonly edges: ReadonlyArray<{ readonly node: { readonly deliveryId: string, readonly notificationKey: string, readonly resolution: string | null, readonly reason: string | null } }>, readonly pageInfo: PageEndsFragment } }
    | { readonly __typename: 'DigestRule' }
    | { readonly __typename: 'Event' }
    | { readonly __typename: 'Notification' }
    | { readonly __typename: 'Recipient' }
    | { readonly __typename: 'Signal' }
    | { readonly __typename: 'Topic' }
    | { readonly __typename: 'WebhookIngress' }
    | { readonly __typename: 'WorkflowRun' }
    | { readonly __typename: 'WorkflowTransition' }
   | null };

export type RunPageQueryVariables = Exact<{
  id: string;
}>;


export type RunPageQuery = { readonly workflowRun: { readonly id: string, readonly workflowKey: string, readonly workflowVersion: number, readonly state: WorkflowRunState, readonly currentStepKey: string | null, readonly statusReason: string, readonly startedAt: string, readonly lastTransitionAt: string, readonly waitingUntil: string | null, readonly waitingForSignals: ReadonlyArray<string>, readonly notification: { readonly id: string, readonly recipientId: string, readonly notificationKey: string, readonly event: { readonly id: string } | null, readonly deliveries: ReadonlyArray<DeliveryRowFragment> }, readonly transitions: ReadonlyArray<{ readonly id: string, readonly fromState: WorkflowRunState | null, readonly toState: WorkflowRunState, readonly stepKey: string | null, readonly reason: string, readonly context: unknown, readonly insertedAt: string, readonly delivery: { readonly id: string } | null }> } | null };

export type EventLineFragment = { readonly id: string, readonly notificationKey: string, readonly idempotencyKey: string, readonly correlationId: string | null, readonly status: EventStatus, readonly recipientCount: number, readonly insertedAt: string };

export type SimulateQueryVariables = Exact<{
  input: SimulateTriggerInput;
}>;


export type SimulateQuery = { readonly simulateTrigger: { readonly at: string, readonly recipientCount: number, readonly recipients: ReadonlyArray<{ readonly recipientId: string, readonly deliveries: ReadonlyArray<{ readonly channel: string, readonly stepKey: string | null, readonly verdict: Verdict, readonly summary: string, readonly decisions: ReadonlyArray<DecisionMadeFragment> }> }> } };

export type PreviewQueryVariables = Exact<{
  input: PreviewRenderingInput;
}>;


export type PreviewQuery = { readonly previewRendering: { readonly channel: string, readonly renderKey: string, readonly renderVersion: number, readonly content: unknown } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const DeliveryStateFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}
    `, {"fragmentName":"DeliveryState"}) as unknown as TypedDocumentString<DeliveryStateFragment, unknown>;
export const DeliveryRowFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment DeliveryRow on Delivery {
  ...DeliveryState
  explanation {
    summary
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}`, {"fragmentName":"DeliveryRow"}) as unknown as TypedDocumentString<DeliveryRowFragment, unknown>;
export const PageEndsFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment PageEnds on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}
    `, {"fragmentName":"PageEnds"}) as unknown as TypedDocumentString<PageEndsFragment, unknown>;
export const AttemptMadeFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment AttemptMade on DeliveryAttempt {
  id
  attemptNumber
  source
  outcome
  errorClass
  reason
  adapter
  address
  providerMessageId
  startedAt
  insertedAt
}
    `, {"fragmentName":"AttemptMade"}) as unknown as TypedDocumentString<AttemptMadeFragment, unknown>;
export const HappeningFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment Happening on TimelineEntry {
  at
  event
  detail
}
    `, {"fragmentName":"Happening"}) as unknown as TypedDocumentString<HappeningFragment, unknown>;
export const DecisionMadeFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment DecisionMade on Decision {
  checkpoint
  rule
  verdict
  reason
  facts
  at
}
    `, {"fragmentName":"DecisionMade"}) as unknown as TypedDocumentString<DecisionMadeFragment, unknown>;
export const EventLineFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment EventLine on Event {
  id
  notificationKey
  idempotencyKey
  correlationId
  status
  recipientCount
  insertedAt
}
    `, {"fragmentName":"EventLine"}) as unknown as TypedDocumentString<EventLineFragment, unknown>;
export const DeliveryPageDocument = /*#__PURE__*/ new TypedDocumentString(`
    query DeliveryPage($filter: DeliveryFilter, $first: Int, $after: String, $last: Int, $before: String) {
  deliveries(
    filter: $filter
    first: $first
    after: $after
    last: $last
    before: $before
  ) {
    edges {
      node {
        ...DeliveryRow
      }
    }
    pageInfo {
      ...PageEnds
    }
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}
fragment DeliveryRow on Delivery {
  ...DeliveryState
  explanation {
    summary
  }
}
fragment PageEnds on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}`) as unknown as TypedDocumentString<DeliveryPageQuery, DeliveryPageQueryVariables>;
export const DeliveryTailDocument = /*#__PURE__*/ new TypedDocumentString(`
    subscription DeliveryTail($filter: DeliveryFilter) {
  deliveryUpdates(filter: $filter) {
    ...DeliveryState
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}`) as unknown as TypedDocumentString<DeliveryTailSubscription, DeliveryTailSubscriptionVariables>;
export const RetryDeliveryDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation RetryDelivery($input: DeliveryActionInput!) {
  retryDelivery(input: $input) {
    delivery {
      ...DeliveryState
    }
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}`) as unknown as TypedDocumentString<RetryDeliveryMutation, RetryDeliveryMutationVariables>;
export const CancelDeliveryDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation CancelDelivery($input: DeliveryActionInput!) {
  cancelDelivery(input: $input) {
    delivery {
      ...DeliveryState
    }
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}`) as unknown as TypedDocumentString<CancelDeliveryMutation, CancelDeliveryMutationVariables>;
export const ResumeDeliveryDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation ResumeDelivery($input: DeliveryActionInput!) {
  resumeDelivery(input: $input) {
    delivery {
      ...DeliveryState
    }
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}`) as unknown as TypedDocumentString<ResumeDeliveryMutation, ResumeDeliveryMutationVariables>;
export const OverviewDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Overview($input: OutcomeHistoryInput!) {
  outcomeHistory(input: $input) {
    startsAt
    outcomes {
      outcome
      count
    }
  }
}
    `) as unknown as TypedDocumentString<OverviewQuery, OverviewQueryVariables>;
export const QueueDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Queue {
  queue {
    lane
    dueCount
    oldestDueAt
    underWayCount
    laterCount
    retryingCount
    nextDueAt
  }
}
    `) as unknown as TypedDocumentString<QueueQuery, QueueQueryVariables>;
export const SearchDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Search($text: String!, $id: ID!) {
  eventByIdempotencyKey(idempotencyKey: $text) {
    ...EventLine
  }
  events(filter: {correlationId: $text}, first: 20) {
    edges {
      node {
        ...EventLine
      }
    }
    pageInfo {
      hasNextPage
    }
  }
  recipients(filter: {recipientId: $text}, first: 10) {
    edges {
      node {
        id
        recipientId
        displayName
      }
    }
    pageInfo {
      hasNextPage
    }
  }
  deliveries(filter: {recipientId: $id}, first: 5) {
    edges {
      node {
        ...DeliveryRow
      }
    }
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}
fragment DeliveryRow on Delivery {
  ...DeliveryState
  explanation {
    summary
  }
}
fragment EventLine on Event {
  id
  notificationKey
  idempotencyKey
  correlationId
  status
  recipientCount
  insertedAt
}`) as unknown as TypedDocumentString<SearchQuery, SearchQueryVariables>;
export const ByIdDocument = /*#__PURE__*/ new TypedDocumentString(`
    query ById($event: ID!, $delivery: ID!, $notification: ID!, $bucket: ID!, $run: ID!) {
  event: node(id: $event) {
    __typename
  }
  delivery: node(id: $delivery) {
    __typename
  }
  notification: node(id: $notification) {
    __typename
  }
  bucket: node(id: $bucket) {
    __typename
  }
  run: node(id: $run) {
    __typename
  }
}
    `) as unknown as TypedDocumentString<ByIdQuery, ByIdQueryVariables>;
export const NamedDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Named($id: ID!) {
  node(id: $id) {
    __typename
    ... on Recipient {
      recipientId
    }
    ... on WebhookIngress {
      delivery {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<NamedQuery, NamedQueryVariables>;
export const WhoAmIDocument = /*#__PURE__*/ new TypedDocumentString(`
    query WhoAmI {
  viewer {
    tenantId
    scopes
  }
}
    `) as unknown as TypedDocumentString<WhoAmIQuery, WhoAmIQueryVariables>;
export const VocabularyDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Vocabulary {
  reasons {
    code
    description
  }
  notifiers {
    key
    description
    category
    channels
    required
    urgent
    version
    payloadSchema
    examplePayload
  }
}
    `) as unknown as TypedDocumentString<VocabularyQuery, VocabularyQueryVariables>;
export const StoryDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Story($id: ID!) {
  delivery(id: $id) {
    ...DeliveryState
    nextAttemptAt
    nextEligibleAt
    attempts {
      ...AttemptMade
    }
  }
  explainDelivery(deliveryId: $id) {
    eventId
    correlationId
    summary
    renderKey
    renderVersion
    whatWouldSendIt {
      kind
      description
    }
    timeline(first: 400) {
      ...Happening
    }
    decisions {
      ...DecisionMade
    }
    digest {
      outcome
      ruleIdentity
      bucketId
      digestDeliveryId
      windowEndsAt
      resolutionReason
      memberCount
      members {
        deliveryId
        notificationKey
        resolution
        reason
      }
    }
    workflowRun {
      id
      workflowKey
      state
      currentStepKey
    }
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}
fragment AttemptMade on DeliveryAttempt {
  id
  attemptNumber
  source
  outcome
  errorClass
  reason
  adapter
  address
  providerMessageId
  startedAt
  insertedAt
}
fragment Happening on TimelineEntry {
  at
  event
  detail
}
fragment DecisionMade on Decision {
  checkpoint
  rule
  verdict
  reason
  facts
  at
}`) as unknown as TypedDocumentString<StoryQuery, StoryQueryVariables>;
export const EventPageDocument = /*#__PURE__*/ new TypedDocumentString(`
    query EventPage($id: ID!, $after: String) {
  event(id: $id) {
    ...EventLine
    notificationVersion
    actorId
    payload
    isDigest
    sendAt
    expiresAt
    plannedRecipientCount
    failedRecipientCount
    deliveries(first: 25, after: $after) {
      edges {
        node {
          ...DeliveryRow
        }
      }
      pageInfo {
        ...PageEnds
      }
    }
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}
fragment DeliveryRow on Delivery {
  ...DeliveryState
  explanation {
    summary
  }
}
fragment PageEnds on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}
fragment EventLine on Event {
  id
  notificationKey
  idempotencyKey
  correlationId
  status
  recipientCount
  insertedAt
}`) as unknown as TypedDocumentString<EventPageQuery, EventPageQueryVariables>;
export const RecipientPageDocument = /*#__PURE__*/ new TypedDocumentString(`
    query RecipientPage($recipientId: ID!) {
  recipient(recipientId: $recipientId) {
    id
    type
    displayName
    email
    phone
    timeZone
    locale
    data
    addresses {
      id
      channel
      address
      bouncedAt
    }
    topics {
      id
      key
    }
  }
  preferences(recipientId: $recipientId) {
    effective {
      notificationKey
      category
      channel
      enabled
      locked
      decidedBy {
        notificationKey
        category
        channel
        updatedAt
      }
    }
    policy {
      timeZone
      quietHours {
        start
        end
        days
        channels
      }
      caps {
        limit
        windowMinutes
        channel
        category
      }
    }
  }
}
    `) as unknown as TypedDocumentString<RecipientPageQuery, RecipientPageQueryVariables>;
export const WhyRecipientDocument = /*#__PURE__*/ new TypedDocumentString(`
    query WhyRecipient($recipientId: ID!, $notificationKey: String!, $since: DateTime) {
  explainRecipient(
    recipientId: $recipientId
    notificationKey: $notificationKey
    since: $since
  ) {
    finding
    summary
    explanations {
      deliveryId
      channel
      status
      orchestrationState
      waitingFor
      summary
    }
  }
}
    `) as unknown as TypedDocumentString<WhyRecipientQuery, WhyRecipientQueryVariables>;
export const BucketPageDocument = /*#__PURE__*/ new TypedDocumentString(`
    query BucketPage($id: ID!, $after: String) {
  node(id: $id) {
    __typename
    ... on DigestBucket {
      id
      channel
      state
      recipientId
      groupingValue
      windowStartsAt
      windowEndsAt
      emittedAt
      memberCount
      rule {
        key
        version
        windowKind
        groupBy
      }
      digestDelivery {
        id
      }
      members(first: 50, after: $after) {
        edges {
          node {
            deliveryId
            notificationKey
            resolution
            reason
          }
        }
        pageInfo {
          ...PageEnds
        }
      }
    }
  }
}
    fragment PageEnds on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}`) as unknown as TypedDocumentString<BucketPageQuery, BucketPageQueryVariables>;
export const RunPageDocument = /*#__PURE__*/ new TypedDocumentString(`
    query RunPage($id: ID!) {
  workflowRun(id: $id) {
    id
    workflowKey
    workflowVersion
    state
    currentStepKey
    statusReason
    startedAt
    lastTransitionAt
    waitingUntil
    waitingForSignals
    notification {
      id
      recipientId
      notificationKey
      event {
        id
      }
      deliveries {
        ...DeliveryRow
      }
    }
    transitions {
      id
      fromState
      toState
      stepKey
      reason
      context
      insertedAt
      delivery {
        id
      }
    }
  }
}
    fragment DeliveryState on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}
fragment DeliveryRow on Delivery {
  ...DeliveryState
  explanation {
    summary
  }
}`) as unknown as TypedDocumentString<RunPageQuery, RunPageQueryVariables>;
export const SimulateDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Simulate($input: SimulateTriggerInput!) {
  simulateTrigger(input: $input) {
    at
    recipientCount
    recipients {
      recipientId
      deliveries {
        channel
        stepKey
        verdict
        summary
        decisions {
          ...DecisionMade
        }
      }
    }
  }
}
    fragment DecisionMade on Decision {
  checkpoint
  rule
  verdict
  reason
  facts
  at
}`) as unknown as TypedDocumentString<SimulateQuery, SimulateQueryVariables>;
export const PreviewDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Preview($input: PreviewRenderingInput!) {
  previewRendering(input: $input) {
    channel
    renderKey
    renderVersion
    content
  }
}
    `) as unknown as TypedDocumentString<PreviewQuery, PreviewQueryVariables>;