/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** An address by what it is, or, as an operator who sees it masked, by its id: exactly one of the two. */
export type AddressInput = {
  /** The address itself. For push: the browser's PushSubscription as JSON, with an https endpoint. */
  readonly address?: string | null | undefined;
  /** As `Recipient.addresses` gives it. */
  readonly addressId?: string | null | undefined;
  /** The channel that `address` is for: email, sms, push, or one of your own. */
  readonly channel?: string | null | undefined;
  /** Whose; a recipient token's own where left out. */
  readonly recipientId?: string | null | undefined;
};

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

/** What to stop. */
export type CancelEventInput = {
  /** The event's id. */
  readonly eventId: string;
  /** Kept and shown in timelines. */
  readonly reason?: string | null | undefined;
};

/** When the planner was asked. */
export type Checkpoint =
  /** Just before it was handed over. */
  | 'PERFORM'
  /** When the delivery was made. */
  | 'PLANNING';

/** For whom, and for how long. */
export type CreateRecipientTokenInput = {
  /** The host's own id. */
  readonly recipientId: string;
  /** Default 3600, maximum 86400. */
  readonly ttlSeconds?: number | null | undefined;
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

/** `extensions.code` of every error that a caller can cause. */
export type ErrorCode =
  /** The request is not well-formed; `extensions.path` says where. */
  | 'BAD_USER_INPUT'
  /** The credential does not allow this. */
  | 'FORBIDDEN'
  /** The same idempotency key with a different request; `extensions.eventId` is the first one's. */
  | 'IDEMPOTENCY_CONFLICT'
  /** A fault of the server's, or of a notifier's code. */
  | 'INTERNAL'
  /** The payload failed the notifier's schema; `extensions.issues` lists path and message. */
  | 'INVALID_PAYLOAD'
  /** The row is no longer in a state that allows this. */
  | 'INVALID_STATE'
  /** There is no notifier with that key. */
  | 'NOTIFIER_NOT_FOUND'
  /** There is no such row. */
  | 'NOT_FOUND'
  /** No operation of this hash is listed. */
  | 'PERSISTED_QUERY_NOT_FOUND'
  /** The credential may ask for persisted operations alone, and this is none of them. */
  | 'PERSISTED_QUERY_ONLY'
  /** The query asks for too much at once. */
  | 'QUERY_TOO_COMPLEX'
  /** Too many requests; `Retry-After` says when to try again. */
  | 'RATE_LIMITED'
  /** There is no credential, or it is not valid any more. */
  | 'UNAUTHENTICATED'
  /** The database is away; try again. */
  | 'UNAVAILABLE';

/** Which events: those that fit all that is given. */
export type EventFilter = {
  /** With this mark. */
  readonly correlationId?: string | null | undefined;
  /** Accepted at this instant or later. */
  readonly insertedAfter?: string | null | undefined;
  /** Accepted before this instant. */
  readonly insertedBefore?: string | null | undefined;
  /** Of this notifier. */
  readonly notificationKey?: string | null | undefined;
  /** With this recipient. */
  readonly recipientId?: string | null | undefined;
  /** In one of these states. */
  readonly status?: ReadonlyArray<EventStatus> | null | undefined;
};

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

/** Which items of an inbox. */
export type InboxFilter = {
  /** Default false: leave archived ones out. True: only archived ones. */
  readonly archived?: boolean | null | undefined;
  /** Of one of these categories. */
  readonly categories?: ReadonlyArray<string> | null | undefined;
  /** Of one of these notifiers. */
  readonly notificationKeys?: ReadonlyArray<string> | null | undefined;
  /** Only read ones, or only unread ones. */
  readonly read?: boolean | null | undefined;
  /** Only seen ones, or only unseen ones. */
  readonly seen?: boolean | null | undefined;
  /** Default false: leave snoozed ones out. True: only snoozed ones. */
  readonly snoozed?: boolean | null | undefined;
};

/** Which items to change: exactly one of ids and filter. */
export type InboxSelectionInput = {
  /** Or all that match and had arrived at upTo. {} is everything neither archived nor snoozed. */
  readonly filter?: InboxFilter | null | undefined;
  /** These notifications, at most 1000; unknown and foreign ones change nothing. */
  readonly ids?: ReadonlyArray<string> | null | undefined;
  /** Whose; a recipient token's own where left out. */
  readonly recipientId?: string | null | undefined;
  /** What arrived later stays untouched; now where left out. */
  readonly upTo?: string | null | undefined;
};

/** Whether a delivery may go on. */
export type OrchestrationState =
  /** Not before `nextEligibleAt`. */
  | 'DEFERRED'
  /** Held for a digest. */
  | 'DIGEST_HELD'
  /** It may. */
  | 'READY';

/** Names a notification key, a category, a channel, or a key or category with a channel. The most specific one set decides. */
export type PreferenceInput = {
  /** For this category. */
  readonly category?: string | null | undefined;
  /** For this channel. */
  readonly channel?: string | null | undefined;
  /** null forgets it. */
  readonly enabled?: boolean | null | undefined;
  /** For this notifier. */
  readonly notificationKey?: string | null | undefined;
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

/** Which recipients. */
export type RecipientFilter = {
  /** Begins with. */
  readonly recipientId?: string | null | undefined;
  /** Subscribed to this topic. */
  readonly topicKey?: string | null | undefined;
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

/** What to switch on or off. */
export type SetPreferencesInput = {
  /** Those not named stay as they are. */
  readonly preferences: ReadonlyArray<PreferenceInput>;
  /** Whose; a recipient token's own where left out. */
  readonly recipientId?: string | null | undefined;
};

/** Something that happened, and whom it concerns. */
export type SignalInput = {
  /** Unique per tenant. The same key with the same signal answers the first one; with another it is IDEMPOTENCY_CONFLICT. */
  readonly idempotencyKey?: string | null | undefined;
  /** As workflows wait for it. Names that begin with `notification.` or `delivery.` are refused. */
  readonly name: string;
  /** Only the run of this notification; every run of the recipient's where left out. */
  readonly notificationId?: string | null | undefined;
  /** Kept with the signal; no run reads it. */
  readonly payload?: unknown;
  /** Whom it concerns, by the host's own id. */
  readonly recipientId: string;
};

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

/** Which items to hide, and until when. */
export type SnoozeInput = {
  /** These notifications, at most 1000; unknown and foreign ones change nothing. */
  readonly ids: ReadonlyArray<string>;
  /** Whose; a recipient token's own where left out. */
  readonly recipientId?: string | null | undefined;
  /** They come back then, in their place, seen and read as they were; in the future. */
  readonly until: string;
};

/** Several triggers at once. */
export type TriggerBatchInput = {
  /** At most 1000. */
  readonly triggers: ReadonlyArray<TriggerInput>;
};

/** Something that happened, and whom it concerns. */
export type TriggerInput = {
  /** Who caused it; never notified of its own act. */
  readonly actorId?: string | null | undefined;
  /** The caller's own mark, to find everything of one cause. */
  readonly correlationId?: string | null | undefined;
  /** Drop what has not been handed over by then. After now, and after sendAt. */
  readonly expiresAt?: string | null | undefined;
  /** Unique per tenant. The same key with the same request answers the first event; with another request it is IDEMPOTENCY_CONFLICT. */
  readonly idempotencyKey: string;
  /** Which notifier. */
  readonly notificationKey: string;
  /** What happened, as the notifier wants it; {} where left out. */
  readonly payload?: unknown;
  /** Who gets it, beside those whom the notifier names; details given here are stored on the recipient. At most 1000. */
  readonly recipients?: ReadonlyArray<RecipientInput> | null | undefined;
  /** Plan it at this instant instead of now. */
  readonly sendAt?: string | null | undefined;
  /** Everyone subscribed to these topics when the event is planned. At most 100. */
  readonly topics?: ReadonlyArray<string> | null | undefined;
};

/** Recipients to create or update. */
export type UpsertRecipientsInput = {
  /** At most 1000, each once. */
  readonly recipients: ReadonlyArray<RecipientInput>;
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

export type DeliveryQueryVariables = Exact<{
  id: string;
}>;


export type DeliveryQuery = { readonly delivery: (
    { readonly attempts: ReadonlyArray<AttemptFragment> }
    & DeliverySummaryFragment
  ) | null };

export type DeliveriesQueryVariables = Exact<{
  filter?: DeliveryFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type DeliveriesQuery = { readonly deliveries: { readonly edges: ReadonlyArray<{ readonly cursor: string, readonly node: DeliverySummaryFragment }>, readonly pageInfo: PageFragment } };

export type DeliverySummaryFragment = { readonly id: string, readonly channel: string, readonly stepKey: string | null, readonly status: DeliveryStatus, readonly orchestrationState: OrchestrationState, readonly waitingFor: string | null, readonly suppressionReason: string | null, readonly planningReason: string | null, readonly nextAttemptAt: string | null, readonly nextEligibleAt: string | null, readonly renderKey: string | null, readonly renderVersion: number | null, readonly insertedAt: string, readonly updatedAt: string, readonly notification: { readonly id: string, readonly recipientId: string, readonly notificationKey: string } };

export type AttemptFragment = { readonly id: string, readonly attemptNumber: number, readonly source: string, readonly outcome: AttemptOutcome, readonly errorClass: string | null, readonly reason: string | null, readonly adapter: string | null, readonly address: string | null, readonly providerMessageId: string | null, readonly startedAt: string | null, readonly insertedAt: string };

export type EventQueryVariables = Exact<{
  id: string;
}>;


export type EventQuery = { readonly event: EventWithPayloadFragment | null };

export type EventByIdempotencyKeyQueryVariables = Exact<{
  idempotencyKey: string;
}>;


export type EventByIdempotencyKeyQuery = { readonly eventByIdempotencyKey: EventWithPayloadFragment | null };

export type EventsQueryVariables = Exact<{
  filter?: EventFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type EventsQuery = { readonly events: { readonly edges: ReadonlyArray<{ readonly cursor: string, readonly node: EventSummaryFragment }>, readonly pageInfo: PageFragment } };

export type CancelEventMutationVariables = Exact<{
  input: CancelEventInput;
}>;


export type CancelEventMutation = { readonly cancelEvent: { readonly cancelledCount: number, readonly tooLateCount: number, readonly event: EventSummaryFragment } };

export type EventSummaryFragment = { readonly id: string, readonly notificationKey: string, readonly notificationVersion: number, readonly idempotencyKey: string, readonly correlationId: string | null, readonly actorId: string | null, readonly status: EventStatus, readonly isDigest: boolean, readonly recipientCount: number, readonly plannedRecipientCount: number, readonly failedRecipientCount: number, readonly insertedAt: string };

export type EventWithPayloadFragment = (
  { readonly payload: unknown }
  & EventSummaryFragment
);

export type ExplainDeliveriesQueryVariables = Exact<{
  filter: DeliveryFilter;
  first?: number | null | undefined;
  timelineFirst?: number | null | undefined;
}>;


export type ExplainDeliveriesQuery = { readonly deliveries: { readonly edges: ReadonlyArray<{ readonly node: { readonly explanation: (
          { readonly timeline: ReadonlyArray<{ readonly at: string, readonly event: string, readonly detail: unknown }> }
          & ExplanationFragment
        ) } }>, readonly pageInfo: PageFragment } };

export type ExplainDeliveryQueryVariables = Exact<{
  deliveryId: string;
  timelineFirst?: number | null | undefined;
}>;


export type ExplainDeliveryQuery = { readonly explainDelivery: (
    { readonly timeline: ReadonlyArray<{ readonly at: string, readonly event: string, readonly detail: unknown }> }
    & ExplanationFragment
  ) | null };

export type ExplanationFragment = { readonly deliveryId: string, readonly notificationId: string, readonly eventId: string, readonly recipientId: string, readonly notificationKey: string, readonly correlationId: string | null, readonly channel: string, readonly stepKey: string | null, readonly status: DeliveryStatus, readonly orchestrationState: OrchestrationState, readonly waitingFor: string | null, readonly suppressionReason: string | null, readonly planningReason: string | null, readonly planningContext: unknown, readonly nextEligibleAt: string | null, readonly renderKey: string | null, readonly renderVersion: number | null, readonly resumeSource: string | null, readonly resumeScheduledAt: string | null, readonly resumedAt: string | null, readonly summary: string, readonly whatWouldSendIt: ReadonlyArray<{ readonly kind: string, readonly description: string, readonly change: unknown }>, readonly decisions: ReadonlyArray<{ readonly checkpoint: Checkpoint, readonly rule: string, readonly verdict: Verdict, readonly reason: string | null, readonly facts: unknown, readonly at: string }>, readonly lastAttempt: AttemptFragment | null };

export type ExplainRecipientQueryVariables = Exact<{
  recipientId: string;
  notificationKey: string;
  since?: string | null | undefined;
  timelineFirst?: number | null | undefined;
}>;


export type ExplainRecipientQuery = { readonly explainRecipient: { readonly recipientId: string, readonly notificationKey: string, readonly finding: string, readonly summary: string, readonly explanations: ReadonlyArray<(
      { readonly timeline: ReadonlyArray<{ readonly at: string, readonly event: string, readonly detail: unknown }> }
      & ExplanationFragment
    )> } };

export type ExportRecipientQueryVariables = Exact<{
  recipientId: string;
}>;


export type ExportRecipientQuery = { readonly exportRecipient: unknown };

export type InboxQueryVariables = Exact<{
  recipientId?: string | null | undefined;
  filter?: InboxFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type InboxQuery = { readonly inbox: { readonly recipientId: string, readonly cursor: string, readonly counts: CountsFragment, readonly notifications: { readonly edges: ReadonlyArray<{ readonly cursor: string, readonly node: InboxNotificationFragment }>, readonly pageInfo: PageFragment } } };

export type InboxUpdatesSubscriptionVariables = Exact<{
  after?: string | null | undefined;
  recipientId?: string | null | undefined;
}>;


export type InboxUpdatesSubscription = { readonly inboxUpdates: InboxUpdateFragment };

export type MarkSeenMutationVariables = Exact<{
  input: InboxSelectionInput;
}>;


export type MarkSeenMutation = { readonly markSeen: InboxChangeFragment };

export type MarkReadMutationVariables = Exact<{
  input: InboxSelectionInput;
}>;


export type MarkReadMutation = { readonly markRead: InboxChangeFragment };

export type MarkUnreadMutationVariables = Exact<{
  input: InboxSelectionInput;
}>;


export type MarkUnreadMutation = { readonly markUnread: InboxChangeFragment };

export type ArchiveMutationVariables = Exact<{
  input: InboxSelectionInput;
}>;


export type ArchiveMutation = { readonly archive: InboxChangeFragment };

export type UnarchiveMutationVariables = Exact<{
  input: InboxSelectionInput;
}>;


export type UnarchiveMutation = { readonly unarchive: InboxChangeFragment };

export type SnoozeMutationVariables = Exact<{
  input: SnoozeInput;
}>;


export type SnoozeMutation = { readonly snooze: InboxChangeFragment };

export type UnsnoozeMutationVariables = Exact<{
  input: InboxSelectionInput;
}>;


export type UnsnoozeMutation = { readonly unsnooze: InboxChangeFragment };

export type InboxUpdateFragment = { readonly cursor: string, readonly removedIds: ReadonlyArray<string>, readonly resync: boolean, readonly changed: ReadonlyArray<InboxNotificationFragment>, readonly counts: CountsFragment };

export type InboxChangeFragment = { readonly affectedCount: number, readonly cursor: string, readonly counts: CountsFragment, readonly notifications: ReadonlyArray<InboxNotificationFragment> };

export type CountsFragment = { readonly total: number, readonly unread: number, readonly unseen: number };

export type InboxNotificationFragment = { readonly id: string, readonly recipientId: string, readonly notificationKey: string, readonly category: string | null, readonly cursor: string | null, readonly insertedAt: string, readonly arrivedAt: string | null, readonly seenAt: string | null, readonly readAt: string | null, readonly archivedAt: string | null, readonly snoozedUntil: string | null, readonly content: { readonly title: string, readonly body: string | null, readonly data: unknown, readonly primaryAction: { readonly label: string, readonly url: string } | null, readonly secondaryAction: { readonly label: string, readonly url: string } | null } | null };

export type PageFragment = { readonly startCursor: string | null, readonly endCursor: string | null, readonly hasNextPage: boolean, readonly hasPreviousPage: boolean };

export type PreferencesQueryVariables = Exact<{
  recipientId?: string | null | undefined;
}>;


export type PreferencesQuery = { readonly preferences: PreferencesFragment };

export type SetPreferencesMutationVariables = Exact<{
  input: SetPreferencesInput;
}>;


export type SetPreferencesMutation = { readonly setPreferences: { readonly preferences: PreferencesFragment } };

export type PreferencesFragment = { readonly recipientId: string, readonly preferences: ReadonlyArray<SetPreferenceFragment>, readonly effective: ReadonlyArray<{ readonly notificationKey: string, readonly category: string | null, readonly channel: string, readonly enabled: boolean, readonly locked: boolean, readonly decidedBy: SetPreferenceFragment | null }> };

export type SetPreferenceFragment = { readonly notificationKey: string | null, readonly category: string | null, readonly channel: string | null, readonly enabled: boolean, readonly updatedAt: string };

export type PreviewRenderingQueryVariables = Exact<{
  input: PreviewRenderingInput;
}>;


export type PreviewRenderingQuery = { readonly previewRendering: { readonly channel: string, readonly renderKey: string, readonly renderVersion: number, readonly content: unknown } };

export type CreateRecipientTokenMutationVariables = Exact<{
  input: CreateRecipientTokenInput;
}>;


export type CreateRecipientTokenMutation = { readonly createRecipientToken: { readonly token: string, readonly expiresAt: string } };

export type UpsertRecipientsMutationVariables = Exact<{
  input: UpsertRecipientsInput;
}>;


export type UpsertRecipientsMutation = { readonly upsertRecipients: { readonly recipients: ReadonlyArray<RecipientDetailsFragment> } };

export type RegisterAddressMutationVariables = Exact<{
  input: AddressInput;
}>;


export type RegisterAddressMutation = { readonly registerAddress: { readonly recipient: RecipientDetailsFragment } };

export type RemoveAddressMutationVariables = Exact<{
  input: AddressInput;
}>;


export type RemoveAddressMutation = { readonly removeAddress: { readonly recipient: RecipientDetailsFragment } };

export type RecipientQueryVariables = Exact<{
  recipientId: string;
}>;


export type RecipientQuery = { readonly recipient: RecipientDetailsFragment | null };

export type RecipientsQueryVariables = Exact<{
  filter?: RecipientFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}>;


export type RecipientsQuery = { readonly recipients: { readonly edges: ReadonlyArray<{ readonly cursor: string, readonly node: RecipientDetailsFragment }>, readonly pageInfo: PageFragment } };

export type RecipientDetailsFragment = { readonly id: string, readonly recipientId: string, readonly type: string, readonly displayName: string | null, readonly email: string | null, readonly phone: string | null, readonly timeZone: string | null, readonly locale: string | null, readonly data: unknown, readonly addresses: ReadonlyArray<{ readonly id: string, readonly channel: string, readonly address: string, readonly bouncedAt: string | null }> };

export type SignalMutationVariables = Exact<{
  input: SignalInput;
}>;


export type SignalMutation = { readonly signal: { readonly deduplicated: boolean, readonly signal: { readonly id: string, readonly name: string, readonly recipientId: string, readonly insertedAt: string } } };

export type SimulateTriggerQueryVariables = Exact<{
  input: SimulateTriggerInput;
}>;


export type SimulateTriggerQuery = { readonly simulateTrigger: { readonly at: string, readonly recipientCount: number, readonly recipients: ReadonlyArray<{ readonly recipientId: string, readonly deliveries: ReadonlyArray<{ readonly channel: string, readonly stepKey: string | null, readonly verdict: Verdict, readonly reason: string | null, readonly nextEligibleAt: string | null, readonly summary: string, readonly decisions: ReadonlyArray<{ readonly checkpoint: Checkpoint, readonly rule: string, readonly verdict: Verdict, readonly reason: string | null, readonly facts: unknown, readonly at: string }> }> }> } };

export type TriggerMutationVariables = Exact<{
  input: TriggerInput;
}>;


export type TriggerMutation = { readonly trigger: TriggeredFragment };

export type TriggerBatchMutationVariables = Exact<{
  input: TriggerBatchInput;
}>;


export type TriggerBatchMutation = { readonly triggerBatch: { readonly results: ReadonlyArray<{ readonly trigger: TriggeredFragment | null, readonly error: { readonly code: ErrorCode, readonly message: string, readonly issues: unknown, readonly eventId: string | null } | null }> } };

export type TriggeredFragment = { readonly deduplicated: boolean, readonly event: EventSummaryFragment };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { readonly viewer: { readonly tenantId: string, readonly scopes: ReadonlyArray<Scope>, readonly recipientId: string | null } };

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
export const DeliverySummaryFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment DeliverySummary on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  planningReason
  nextAttemptAt
  nextEligibleAt
  renderKey
  renderVersion
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}
    `, {"fragmentName":"DeliverySummary"}) as unknown as TypedDocumentString<DeliverySummaryFragment, unknown>;
export const EventSummaryFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment EventSummary on Event {
  id
  notificationKey
  notificationVersion
  idempotencyKey
  correlationId
  actorId
  status
  isDigest
  recipientCount
  plannedRecipientCount
  failedRecipientCount
  insertedAt
}
    `, {"fragmentName":"EventSummary"}) as unknown as TypedDocumentString<EventSummaryFragment, unknown>;
export const EventWithPayloadFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment EventWithPayload on Event {
  ...EventSummary
  payload
}
    fragment EventSummary on Event {
  id
  notificationKey
  notificationVersion
  idempotencyKey
  correlationId
  actorId
  status
  isDigest
  recipientCount
  plannedRecipientCount
  failedRecipientCount
  insertedAt
}`, {"fragmentName":"EventWithPayload"}) as unknown as TypedDocumentString<EventWithPayloadFragment, unknown>;
export const AttemptFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment Attempt on DeliveryAttempt {
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
    `, {"fragmentName":"Attempt"}) as unknown as TypedDocumentString<AttemptFragment, unknown>;
export const ExplanationFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment Explanation on DeliveryExplanation {
  deliveryId
  notificationId
  eventId
  recipientId
  notificationKey
  correlationId
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  planningReason
  planningContext
  nextEligibleAt
  renderKey
  renderVersion
  resumeSource
  resumeScheduledAt
  resumedAt
  summary
  whatWouldSendIt {
    kind
    description
    change
  }
  decisions {
    checkpoint
    rule
    verdict
    reason
    facts
    at
  }
  lastAttempt {
    ...Attempt
  }
}
    fragment Attempt on DeliveryAttempt {
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
}`, {"fragmentName":"Explanation"}) as unknown as TypedDocumentString<ExplanationFragment, unknown>;
export const InboxNotificationFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}
    `, {"fragmentName":"InboxNotification"}) as unknown as TypedDocumentString<InboxNotificationFragment, unknown>;
export const CountsFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment Counts on InboxCounts {
  total
  unread
  unseen
}
    `, {"fragmentName":"Counts"}) as unknown as TypedDocumentString<CountsFragment, unknown>;
export const InboxUpdateFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment InboxUpdate on InboxUpdate {
  cursor
  changed {
    ...InboxNotification
  }
  removedIds
  counts {
    ...Counts
  }
  resync
}
    fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`, {"fragmentName":"InboxUpdate"}) as unknown as TypedDocumentString<InboxUpdateFragment, unknown>;
export const InboxChangeFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment InboxChange on InboxPayload {
  affectedCount
  cursor
  counts {
    ...Counts
  }
  notifications {
    ...InboxNotification
  }
}
    fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`, {"fragmentName":"InboxChange"}) as unknown as TypedDocumentString<InboxChangeFragment, unknown>;
export const PageFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment Page on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}
    `, {"fragmentName":"Page"}) as unknown as TypedDocumentString<PageFragment, unknown>;
export const SetPreferenceFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment SetPreference on Preference {
  notificationKey
  category
  channel
  enabled
  updatedAt
}
    `, {"fragmentName":"SetPreference"}) as unknown as TypedDocumentString<SetPreferenceFragment, unknown>;
export const PreferencesFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment Preferences on PreferenceCenter {
  recipientId
  preferences {
    ...SetPreference
  }
  effective {
    notificationKey
    category
    channel
    enabled
    locked
    decidedBy {
      ...SetPreference
    }
  }
}
    fragment SetPreference on Preference {
  notificationKey
  category
  channel
  enabled
  updatedAt
}`, {"fragmentName":"Preferences"}) as unknown as TypedDocumentString<PreferencesFragment, unknown>;
export const RecipientDetailsFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment RecipientDetails on Recipient {
  id
  recipientId
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
}
    `, {"fragmentName":"RecipientDetails"}) as unknown as TypedDocumentString<RecipientDetailsFragment, unknown>;
export const TriggeredFragmentDoc = /*#__PURE__*/ new TypedDocumentString(`
    fragment Triggered on TriggerPayload {
  deduplicated
  event {
    ...EventSummary
  }
}
    fragment EventSummary on Event {
  id
  notificationKey
  notificationVersion
  idempotencyKey
  correlationId
  actorId
  status
  isDigest
  recipientCount
  plannedRecipientCount
  failedRecipientCount
  insertedAt
}`, {"fragmentName":"Triggered"}) as unknown as TypedDocumentString<TriggeredFragment, unknown>;
export const DeliveryDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Delivery($id: ID!) {
  delivery(id: $id) {
    ...DeliverySummary
    attempts {
      ...Attempt
    }
  }
}
    fragment DeliverySummary on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  planningReason
  nextAttemptAt
  nextEligibleAt
  renderKey
  renderVersion
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}
fragment Attempt on DeliveryAttempt {
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
}`) as unknown as TypedDocumentString<DeliveryQuery, DeliveryQueryVariables>;
export const DeliveriesDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Deliveries($filter: DeliveryFilter, $first: Int, $after: String, $last: Int, $before: String) {
  deliveries(
    filter: $filter
    first: $first
    after: $after
    last: $last
    before: $before
  ) {
    edges {
      cursor
      node {
        ...DeliverySummary
      }
    }
    pageInfo {
      ...Page
    }
  }
}
    fragment DeliverySummary on Delivery {
  id
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  planningReason
  nextAttemptAt
  nextEligibleAt
  renderKey
  renderVersion
  insertedAt
  updatedAt
  notification {
    id
    recipientId
    notificationKey
  }
}
fragment Page on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}`) as unknown as TypedDocumentString<DeliveriesQuery, DeliveriesQueryVariables>;
export const EventDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Event($id: ID!) {
  event(id: $id) {
    ...EventWithPayload
  }
}
    fragment EventSummary on Event {
  id
  notificationKey
  notificationVersion
  idempotencyKey
  correlationId
  actorId
  status
  isDigest
  recipientCount
  plannedRecipientCount
  failedRecipientCount
  insertedAt
}
fragment EventWithPayload on Event {
  ...EventSummary
  payload
}`) as unknown as TypedDocumentString<EventQuery, EventQueryVariables>;
export const EventByIdempotencyKeyDocument = /*#__PURE__*/ new TypedDocumentString(`
    query EventByIdempotencyKey($idempotencyKey: String!) {
  eventByIdempotencyKey(idempotencyKey: $idempotencyKey) {
    ...EventWithPayload
  }
}
    fragment EventSummary on Event {
  id
  notificationKey
  notificationVersion
  idempotencyKey
  correlationId
  actorId
  status
  isDigest
  recipientCount
  plannedRecipientCount
  failedRecipientCount
  insertedAt
}
fragment EventWithPayload on Event {
  ...EventSummary
  payload
}`) as unknown as TypedDocumentString<EventByIdempotencyKeyQuery, EventByIdempotencyKeyQueryVariables>;
export const EventsDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Events($filter: EventFilter, $first: Int, $after: String, $last: Int, $before: String) {
  events(
    filter: $filter
    first: $first
    after: $after
    last: $last
    before: $before
  ) {
    edges {
      cursor
      node {
        ...EventSummary
      }
    }
    pageInfo {
      ...Page
    }
  }
}
    fragment EventSummary on Event {
  id
  notificationKey
  notificationVersion
  idempotencyKey
  correlationId
  actorId
  status
  isDigest
  recipientCount
  plannedRecipientCount
  failedRecipientCount
  insertedAt
}
fragment Page on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}`) as unknown as TypedDocumentString<EventsQuery, EventsQueryVariables>;
export const CancelEventDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation CancelEvent($input: CancelEventInput!) {
  cancelEvent(input: $input) {
    cancelledCount
    tooLateCount
    event {
      ...EventSummary
    }
  }
}
    fragment EventSummary on Event {
  id
  notificationKey
  notificationVersion
  idempotencyKey
  correlationId
  actorId
  status
  isDigest
  recipientCount
  plannedRecipientCount
  failedRecipientCount
  insertedAt
}`) as unknown as TypedDocumentString<CancelEventMutation, CancelEventMutationVariables>;
export const ExplainDeliveriesDocument = /*#__PURE__*/ new TypedDocumentString(`
    query ExplainDeliveries($filter: DeliveryFilter!, $first: Int, $timelineFirst: Int) {
  deliveries(filter: $filter, first: $first) {
    edges {
      node {
        explanation {
          ...Explanation
          timeline(first: $timelineFirst) {
            at
            event
            detail
          }
        }
      }
    }
    pageInfo {
      ...Page
    }
  }
}
    fragment Attempt on DeliveryAttempt {
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
fragment Explanation on DeliveryExplanation {
  deliveryId
  notificationId
  eventId
  recipientId
  notificationKey
  correlationId
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  planningReason
  planningContext
  nextEligibleAt
  renderKey
  renderVersion
  resumeSource
  resumeScheduledAt
  resumedAt
  summary
  whatWouldSendIt {
    kind
    description
    change
  }
  decisions {
    checkpoint
    rule
    verdict
    reason
    facts
    at
  }
  lastAttempt {
    ...Attempt
  }
}
fragment Page on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}`) as unknown as TypedDocumentString<ExplainDeliveriesQuery, ExplainDeliveriesQueryVariables>;
export const ExplainDeliveryDocument = /*#__PURE__*/ new TypedDocumentString(`
    query ExplainDelivery($deliveryId: ID!, $timelineFirst: Int) {
  explainDelivery(deliveryId: $deliveryId) {
    ...Explanation
    timeline(first: $timelineFirst) {
      at
      event
      detail
    }
  }
}
    fragment Attempt on DeliveryAttempt {
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
fragment Explanation on DeliveryExplanation {
  deliveryId
  notificationId
  eventId
  recipientId
  notificationKey
  correlationId
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  planningReason
  planningContext
  nextEligibleAt
  renderKey
  renderVersion
  resumeSource
  resumeScheduledAt
  resumedAt
  summary
  whatWouldSendIt {
    kind
    description
    change
  }
  decisions {
    checkpoint
    rule
    verdict
    reason
    facts
    at
  }
  lastAttempt {
    ...Attempt
  }
}`) as unknown as TypedDocumentString<ExplainDeliveryQuery, ExplainDeliveryQueryVariables>;
export const ExplainRecipientDocument = /*#__PURE__*/ new TypedDocumentString(`
    query ExplainRecipient($recipientId: ID!, $notificationKey: String!, $since: DateTime, $timelineFirst: Int) {
  explainRecipient(
    recipientId: $recipientId
    notificationKey: $notificationKey
    since: $since
  ) {
    recipientId
    notificationKey
    finding
    summary
    explanations {
      ...Explanation
      timeline(first: $timelineFirst) {
        at
        event
        detail
      }
    }
  }
}
    fragment Attempt on DeliveryAttempt {
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
fragment Explanation on DeliveryExplanation {
  deliveryId
  notificationId
  eventId
  recipientId
  notificationKey
  correlationId
  channel
  stepKey
  status
  orchestrationState
  waitingFor
  suppressionReason
  planningReason
  planningContext
  nextEligibleAt
  renderKey
  renderVersion
  resumeSource
  resumeScheduledAt
  resumedAt
  summary
  whatWouldSendIt {
    kind
    description
    change
  }
  decisions {
    checkpoint
    rule
    verdict
    reason
    facts
    at
  }
  lastAttempt {
    ...Attempt
  }
}`) as unknown as TypedDocumentString<ExplainRecipientQuery, ExplainRecipientQueryVariables>;
export const ExportRecipientDocument = /*#__PURE__*/ new TypedDocumentString(`
    query ExportRecipient($recipientId: ID!) {
  exportRecipient(recipientId: $recipientId)
}
    `) as unknown as TypedDocumentString<ExportRecipientQuery, ExportRecipientQueryVariables>;
export const InboxDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Inbox($recipientId: ID, $filter: InboxFilter, $first: Int, $after: String, $last: Int, $before: String) {
  inbox(recipientId: $recipientId) {
    recipientId
    cursor
    counts {
      ...Counts
    }
    notifications(
      filter: $filter
      first: $first
      after: $after
      last: $last
      before: $before
    ) {
      edges {
        cursor
        node {
          ...InboxNotification
        }
      }
      pageInfo {
        ...Page
      }
    }
  }
}
    fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}
fragment Page on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}`) as unknown as TypedDocumentString<InboxQuery, InboxQueryVariables>;
export const InboxUpdatesDocument = /*#__PURE__*/ new TypedDocumentString(`
    subscription InboxUpdates($after: InboxCursor, $recipientId: ID) {
  inboxUpdates(after: $after, recipientId: $recipientId) {
    ...InboxUpdate
  }
}
    fragment InboxUpdate on InboxUpdate {
  cursor
  changed {
    ...InboxNotification
  }
  removedIds
  counts {
    ...Counts
  }
  resync
}
fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`) as unknown as TypedDocumentString<InboxUpdatesSubscription, InboxUpdatesSubscriptionVariables>;
export const MarkSeenDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation MarkSeen($input: InboxSelectionInput!) {
  markSeen(input: $input) {
    ...InboxChange
  }
}
    fragment InboxChange on InboxPayload {
  affectedCount
  cursor
  counts {
    ...Counts
  }
  notifications {
    ...InboxNotification
  }
}
fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`) as unknown as TypedDocumentString<MarkSeenMutation, MarkSeenMutationVariables>;
export const MarkReadDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation MarkRead($input: InboxSelectionInput!) {
  markRead(input: $input) {
    ...InboxChange
  }
}
    fragment InboxChange on InboxPayload {
  affectedCount
  cursor
  counts {
    ...Counts
  }
  notifications {
    ...InboxNotification
  }
}
fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`) as unknown as TypedDocumentString<MarkReadMutation, MarkReadMutationVariables>;
export const MarkUnreadDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation MarkUnread($input: InboxSelectionInput!) {
  markUnread(input: $input) {
    ...InboxChange
  }
}
    fragment InboxChange on InboxPayload {
  affectedCount
  cursor
  counts {
    ...Counts
  }
  notifications {
    ...InboxNotification
  }
}
fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`) as unknown as TypedDocumentString<MarkUnreadMutation, MarkUnreadMutationVariables>;
export const ArchiveDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation Archive($input: InboxSelectionInput!) {
  archive(input: $input) {
    ...InboxChange
  }
}
    fragment InboxChange on InboxPayload {
  affectedCount
  cursor
  counts {
    ...Counts
  }
  notifications {
    ...InboxNotification
  }
}
fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`) as unknown as TypedDocumentString<ArchiveMutation, ArchiveMutationVariables>;
export const UnarchiveDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation Unarchive($input: InboxSelectionInput!) {
  unarchive(input: $input) {
    ...InboxChange
  }
}
    fragment InboxChange on InboxPayload {
  affectedCount
  cursor
  counts {
    ...Counts
  }
  notifications {
    ...InboxNotification
  }
}
fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`) as unknown as TypedDocumentString<UnarchiveMutation, UnarchiveMutationVariables>;
export const SnoozeDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation Snooze($input: SnoozeInput!) {
  snooze(input: $input) {
    ...InboxChange
  }
}
    fragment InboxChange on InboxPayload {
  affectedCount
  cursor
  counts {
    ...Counts
  }
  notifications {
    ...InboxNotification
  }
}
fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`) as unknown as TypedDocumentString<SnoozeMutation, SnoozeMutationVariables>;
export const UnsnoozeDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation Unsnooze($input: InboxSelectionInput!) {
  unsnooze(input: $input) {
    ...InboxChange
  }
}
    fragment InboxChange on InboxPayload {
  affectedCount
  cursor
  counts {
    ...Counts
  }
  notifications {
    ...InboxNotification
  }
}
fragment Counts on InboxCounts {
  total
  unread
  unseen
}
fragment InboxNotification on Notification {
  id
  recipientId
  notificationKey
  category
  cursor
  content {
    title
    body
    primaryAction {
      label
      url
    }
    secondaryAction {
      label
      url
    }
    data
  }
  insertedAt
  arrivedAt
  seenAt
  readAt
  archivedAt
  snoozedUntil
}`) as unknown as TypedDocumentString<UnsnoozeMutation, UnsnoozeMutationVariables>;
export const PreferencesDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Preferences($recipientId: ID) {
  preferences(recipientId: $recipientId) {
    ...Preferences
  }
}
    fragment Preferences on PreferenceCenter {
  recipientId
  preferences {
    ...SetPreference
  }
  effective {
    notificationKey
    category
    channel
    enabled
    locked
    decidedBy {
      ...SetPreference
    }
  }
}
fragment SetPreference on Preference {
  notificationKey
  category
  channel
  enabled
  updatedAt
}`) as unknown as TypedDocumentString<PreferencesQuery, PreferencesQueryVariables>;
export const SetPreferencesDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation SetPreferences($input: SetPreferencesInput!) {
  setPreferences(input: $input) {
    preferences {
      ...Preferences
    }
  }
}
    fragment Preferences on PreferenceCenter {
  recipientId
  preferences {
    ...SetPreference
  }
  effective {
    notificationKey
    category
    channel
    enabled
    locked
    decidedBy {
      ...SetPreference
    }
  }
}
fragment SetPreference on Preference {
  notificationKey
  category
  channel
  enabled
  updatedAt
}`) as unknown as TypedDocumentString<SetPreferencesMutation, SetPreferencesMutationVariables>;
export const PreviewRenderingDocument = /*#__PURE__*/ new TypedDocumentString(`
    query PreviewRendering($input: PreviewRenderingInput!) {
  previewRendering(input: $input) {
    channel
    renderKey
    renderVersion
    content
  }
}
    `) as unknown as TypedDocumentString<PreviewRenderingQuery, PreviewRenderingQueryVariables>;
export const CreateRecipientTokenDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation CreateRecipientToken($input: CreateRecipientTokenInput!) {
  createRecipientToken(input: $input) {
    token
    expiresAt
  }
}
    `) as unknown as TypedDocumentString<CreateRecipientTokenMutation, CreateRecipientTokenMutationVariables>;
export const UpsertRecipientsDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation UpsertRecipients($input: UpsertRecipientsInput!) {
  upsertRecipients(input: $input) {
    recipients {
      ...RecipientDetails
    }
  }
}
    fragment RecipientDetails on Recipient {
  id
  recipientId
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
}`) as unknown as TypedDocumentString<UpsertRecipientsMutation, UpsertRecipientsMutationVariables>;
export const RegisterAddressDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation RegisterAddress($input: AddressInput!) {
  registerAddress(input: $input) {
    recipient {
      ...RecipientDetails
    }
  }
}
    fragment RecipientDetails on Recipient {
  id
  recipientId
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
}`) as unknown as TypedDocumentString<RegisterAddressMutation, RegisterAddressMutationVariables>;
export const RemoveAddressDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation RemoveAddress($input: AddressInput!) {
  removeAddress(input: $input) {
    recipient {
      ...RecipientDetails
    }
  }
}
    fragment RecipientDetails on Recipient {
  id
  recipientId
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
}`) as unknown as TypedDocumentString<RemoveAddressMutation, RemoveAddressMutationVariables>;
export const RecipientDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Recipient($recipientId: ID!) {
  recipient(recipientId: $recipientId) {
    ...RecipientDetails
  }
}
    fragment RecipientDetails on Recipient {
  id
  recipientId
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
}`) as unknown as TypedDocumentString<RecipientQuery, RecipientQueryVariables>;
export const RecipientsDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Recipients($filter: RecipientFilter, $first: Int, $after: String, $last: Int, $before: String) {
  recipients(
    filter: $filter
    first: $first
    after: $after
    last: $last
    before: $before
  ) {
    edges {
      cursor
      node {
        ...RecipientDetails
      }
    }
    pageInfo {
      ...Page
    }
  }
}
    fragment Page on PageInfo {
  startCursor
  endCursor
  hasNextPage
  hasPreviousPage
}
fragment RecipientDetails on Recipient {
  id
  recipientId
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
}`) as unknown as TypedDocumentString<RecipientsQuery, RecipientsQueryVariables>;
export const SignalDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation Signal($input: SignalInput!) {
  signal(input: $input) {
    deduplicated
    signal {
      id
      name
      recipientId
      insertedAt
    }
  }
}
    `) as unknown as TypedDocumentString<SignalMutation, SignalMutationVariables>;
export const SimulateTriggerDocument = /*#__PURE__*/ new TypedDocumentString(`
    query SimulateTrigger($input: SimulateTriggerInput!) {
  simulateTrigger(input: $input) {
    at
    recipientCount
    recipients {
      recipientId
      deliveries {
        channel
        stepKey
        verdict
        reason
        nextEligibleAt
        summary
        decisions {
          checkpoint
          rule
          verdict
          reason
          facts
          at
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<SimulateTriggerQuery, SimulateTriggerQueryVariables>;
export const TriggerDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation Trigger($input: TriggerInput!) {
  trigger(input: $input) {
    ...Triggered
  }
}
    fragment EventSummary on Event {
  id
  notificationKey
  notificationVersion
  idempotencyKey
  correlationId
  actorId
  status
  isDigest
  recipientCount
  plannedRecipientCount
  failedRecipientCount
  insertedAt
}
fragment Triggered on TriggerPayload {
  deduplicated
  event {
    ...EventSummary
  }
}`) as unknown as TypedDocumentString<TriggerMutation, TriggerMutationVariables>;
export const TriggerBatchDocument = /*#__PURE__*/ new TypedDocumentString(`
    mutation TriggerBatch($input: TriggerBatchInput!) {
  triggerBatch(input: $input) {
    results {
      trigger {
        ...Triggered
      }
      error {
        code
        message
        issues
        eventId
      }
    }
  }
}
    fragment EventSummary on Event {
  id
  notificationKey
  notificationVersion
  idempotencyKey
  correlationId
  actorId
  status
  isDigest
  recipientCount
  plannedRecipientCount
  failedRecipientCount
  insertedAt
}
fragment Triggered on TriggerPayload {
  deduplicated
  event {
    ...EventSummary
  }
}`) as unknown as TypedDocumentString<TriggerBatchMutation, TriggerBatchMutationVariables>;
export const ViewerDocument = /*#__PURE__*/ new TypedDocumentString(`
    query Viewer {
  viewer {
    tenantId
    scopes
    recipientId
  }
}
    `) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;