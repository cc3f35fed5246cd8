import * as api from './generated/operations.ts'
import type { RequestOptions } from './http.ts'
import { type WatchOptions, watchInbox } from './inbox.ts'
import { createTransport, type TransportOptions } from './transport.ts'
import { askedDocument, type TypedDocument } from './typed-document.ts'

export interface ClientOptions extends TransportOptions {
  /**
   * Whether documents of your own that carry a hash are asked for by it instead of by their text; false by default. The
   * server must list them. Carillon's own are listed by every server, and carry none.
   */
  readonly persisted?: boolean | undefined
}

type Nothing = Record<never, never>

/** Variables may be left out where none is required. */
type Given<Variables> = Nothing extends Variables
  ? [variables?: Variables, options?: RequestOptions]
  : [variables: Variables, options?: RequestOptions]

/** A query of the API, given its variables. */
type Query<Data, Field extends keyof Data, Variables> = (...given: Given<Variables>) => Promise<Data[Field]>

/** A mutation of the API, given its input. */
type Mutation<Data, Field extends keyof Data, Variables extends { input: unknown }> = (
  input: Variables['input'],
  options?: RequestOptions,
) => Promise<Data[Field]>

type InboxMutation<Data, Field extends keyof Data> = Mutation<Data, Field, { input: api.InboxSelectionInput }>

/**
 * Carillon's API, by its own names. Every method answers what stands under its field, or rejects with a
 * `CarillonClientError`.
 */
export interface CarillonClient {
  /** Sends any query or mutation, and answers its data. */
  request<Data, Variables>(document: TypedDocument<Data, Variables>, ...given: Given<Variables>): Promise<Data>
  /**
   * Follows any subscription, from the first read on. It comes back when the connection was lost, and may have missed
   * something then: `watchInbox` does not.
   */
  subscribe<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...given: Nothing extends Variables ? [variables?: Variables] : [variables: Variables]
  ): AsyncIterableIterator<Data, undefined>

  /** Records an event and everything it causes. Safe to repeat with the same `idempotencyKey` [backend]. */
  readonly trigger: Mutation<api.TriggerMutation, 'trigger', api.TriggerMutationVariables>
  /** Up to 1,000 triggers; each succeeds or fails by itself [backend]. */
  readonly triggerBatch: Mutation<api.TriggerBatchMutation, 'triggerBatch', api.TriggerBatchMutationVariables>
  /** Stops everything of an event that has not been handed to a provider [backend]. */
  readonly cancelEvent: Mutation<api.CancelEventMutation, 'cancelEvent', api.CancelEventMutationVariables>
  /** Tells workflows that something happened. Safe to repeat with the same `idempotencyKey` [backend]. */
  readonly signal: Mutation<api.SignalMutation, 'signal', api.SignalMutationVariables>
  /** Creates or updates up to 1,000 recipients [backend]. */
  readonly upsertRecipients: Mutation<
    api.UpsertRecipientsMutation,
    'upsertRecipients',
    api.UpsertRecipientsMutationVariables
  >
  /**
   * Adds an address, such as this browser's push subscription; one that had bounced is good again
   * [recipient; backend, operator].
   */
  readonly registerAddress: Mutation<
    api.RegisterAddressMutation,
    'registerAddress',
    api.RegisterAddressMutationVariables
  >
  /** Takes an address away; one that is not there changes nothing [recipient; backend, operator]. */
  readonly removeAddress: Mutation<api.RemoveAddressMutation, 'removeAddress', api.RemoveAddressMutationVariables>
  /** A short-lived token for one recipient's front end [backend]. */
  readonly createRecipientToken: Mutation<
    api.CreateRecipientTokenMutation,
    'createRecipientToken',
    api.CreateRecipientTokenMutationVariables
  >
  /** What is known of a recipient; `null` where nothing is [backend, operator]. */
  readonly recipient: Query<api.RecipientQuery, 'recipient', api.RecipientQueryVariables>
  /** Recipients in order of their ids [backend, operator]. */
  readonly recipients: Query<api.RecipientsQuery, 'recipients', api.RecipientsQueryVariables>

  /** An inbox: its badge, its cursor, and a page of its notifications, newest first [recipient; operator]. */
  readonly inbox: Query<api.InboxQuery, 'inbox', api.InboxQueryVariables>
  /** Marks as seen; the first time counts [recipient; operator]. */
  readonly markSeen: InboxMutation<api.MarkSeenMutation, 'markSeen'>
  /** Marks as read, and seen [recipient; operator]. */
  readonly markRead: InboxMutation<api.MarkReadMutation, 'markRead'>
  /** Marks as unread; it stays seen [recipient; operator]. */
  readonly markUnread: InboxMutation<api.MarkUnreadMutation, 'markUnread'>
  /** Puts away, out of the list and the counts [recipient; operator]. */
  readonly archive: InboxMutation<api.ArchiveMutation, 'archive'>
  /** Brings back what was archived [recipient; operator]. */
  readonly unarchive: InboxMutation<api.UnarchiveMutation, 'unarchive'>
  /** Puts away until an instant, when it comes back by itself, in its old place [recipient; operator]. */
  readonly snooze: Mutation<api.SnoozeMutation, 'snooze', api.SnoozeMutationVariables>
  /** Brings back what was snoozed, at once [recipient; operator]. */
  readonly unsnooze: InboxMutation<api.UnsnoozeMutation, 'unsnooze'>
  /**
   * The inbox as it changes, from the first read on: each change once, in order, from the cursor `after` on (that of
   * `inbox()`, say), or from now on. Lost connections are made up for without gap or repeat. It ends with `break`,
   * `return()` or `close()`, and rejects with what coming back cannot heal: a refused token that nobody renews, FORBIDDEN,
   * BAD_USER_INPUT. A slow reader gets fewer and larger updates; after `resync`, reload `inbox()`. To be read once.
   */
  watchInbox(
    variables?: api.InboxUpdatesSubscriptionVariables,
    options?: WatchOptions,
  ): AsyncIterableIterator<api.InboxUpdateFragment, undefined>

  /** What a recipient wants to hear of, and where [recipient; backend, operator]. */
  readonly preferences: Query<api.PreferencesQuery, 'preferences', api.PreferencesQueryVariables>
  /** Switches notifications on or off; those not named stay as they are [recipient; backend, operator]. */
  readonly setPreferences: Mutation<api.SetPreferencesMutation, 'setPreferences', api.SetPreferencesMutationVariables>

  /** Why a delivery was sent, held, dropped or failed; `null` where it does not exist [operator]. */
  readonly explainDelivery: Query<api.ExplainDeliveryQuery, 'explainDelivery', api.ExplainDeliveryQueryVariables>
  /** A delivery with its attempts; `null` where it does not exist [operator]. */
  readonly delivery: Query<api.DeliveryQuery, 'delivery', api.DeliveryQueryVariables>
  /** Deliveries, newest first [operator]. */
  readonly deliveries: Query<api.DeliveriesQuery, 'deliveries', api.DeliveriesQueryVariables>
  /** An event with its payload; `null` where it does not exist [backend, operator]. */
  readonly event: Query<api.EventQuery, 'event', api.EventQueryVariables>
  /** The event that this key has made; `null` where none has [backend, operator]. */
  readonly eventByIdempotencyKey: Query<
    api.EventByIdempotencyKeyQuery,
    'eventByIdempotencyKey',
    api.EventByIdempotencyKeyQueryVariables
  >
  /** Events, newest first [operator]. */
  readonly events: Query<api.EventsQuery, 'events', api.EventsQueryVariables>
  /** Whose credential this is. */
  readonly viewer: Query<api.ViewerQuery, 'viewer', api.ViewerQueryVariables>

  /** Ends every subscription and closes the socket; none can be begun again. Requests are not concerned. */
  close(): void
}

/** A typed client of one server, with one credential. Nothing is asked, and no socket opened, before it is needed. */
export const createClient = (options: ClientOptions): CarillonClient => {
  const transport = createTransport(options)
  const asked = (document: { toString(): string }) => askedDocument(document, options.persisted ?? false)

  const query =
    <Data, Variables, Field extends keyof Data>(
      document: TypedDocument<Data, Variables>,
      field: Field,
    ): Query<Data, Field, Variables> =>
    async (...[variables, requestOptions]) => {
      const data = (await transport.send(asked(document), variables ?? {}, requestOptions)) as Data
      return data[field]
    }
  const mutation =
    <Data, Variables extends { input: unknown }, Field extends keyof Data>(
      document: TypedDocument<Data, Variables>,
      field: Field,
    ): Mutation<Data, Field, Variables> =>
    async (input, requestOptions) => {
      const data = (await transport.send(asked(document), { input }, requestOptions)) as Data
      return data[field]
    }

  return {
    request: async <Data>(document: TypedDocument<Data, unknown>, ...[variables, requestOptions]: Given<unknown>) =>
      (await transport.send(asked(document), variables ?? {}, requestOptions)) as Data,
    subscribe: <Data>(document: TypedDocument<Data, unknown>, variables?: unknown) =>
      transport.read(asked(document), variables ?? {}) as AsyncIterableIterator<Data, undefined>,

    trigger: mutation(api.TriggerDocument, 'trigger'),
    triggerBatch: mutation(api.TriggerBatchDocument, 'triggerBatch'),
    cancelEvent: mutation(api.CancelEventDocument, 'cancelEvent'),
    signal: mutation(api.SignalDocument, 'signal'),
    upsertRecipients: mutation(api.UpsertRecipientsDocument, 'upsertRecipients'),
    registerAddress: mutation(api.RegisterAddressDocument, 'registerAddress'),
    removeAddress: mutation(api.RemoveAddressDocument, 'removeAddress'),
    createRecipientToken: mutation(api.CreateRecipientTokenDocument, 'createRecipientToken'),
    recipient: query(api.RecipientDocument, 'recipient'),
    recipients: query(api.RecipientsDocument, 'recipients'),

    inbox: query(api.InboxDocument, 'inbox'),
    markSeen: mutation(api.MarkSeenDocument, 'markSeen'),
    markRead: mutation(api.MarkReadDocument, 'markRead'),
    markUnread: mutation(api.MarkUnreadDocument, 'markUnread'),
    archive: mutation(api.ArchiveDocument, 'archive'),
    unarchive: mutation(api.UnarchiveDocument, 'unarchive'),
    snooze: mutation(api.SnoozeDocument, 'snooze'),
    unsnooze: mutation(api.UnsnoozeDocument, 'unsnooze'),
    watchInbox: (variables, watchOptions) => watchInbox(transport.subscribe, variables, watchOptions),

    preferences: query(api.PreferencesDocument, 'preferences'),
    setPreferences: mutation(api.SetPreferencesDocument, 'setPreferences'),

    explainDelivery: query(api.ExplainDeliveryDocument, 'explainDelivery'),
    delivery: query(api.DeliveryDocument, 'delivery'),
    deliveries: query(api.DeliveriesDocument, 'deliveries'),
    event: query(api.EventDocument, 'event'),
    eventByIdempotencyKey: query(api.EventByIdempotencyKeyDocument, 'eventByIdempotencyKey'),
    events: query(api.EventsDocument, 'events'),
    viewer: query(api.ViewerDocument, 'viewer'),

    close: transport.close,
  }
}
