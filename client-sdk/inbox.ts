import type { CarillonClientError } from './error.ts'
import {
  type InboxUpdateFragment as InboxUpdate,
  InboxUpdatesDocument,
  type InboxUpdatesSubscription,
  type InboxUpdatesSubscriptionVariables,
} from './generated/operations.ts'
import { mergeUpdates } from './merge-updates.ts'
import type { Subscribe } from './socket.ts'
import { createStream } from './stream.ts'

/*
 * A watch is one of
 *
 *   resting ──somebody reads──► subscribed ──too much unread──► resting
 *
 * and between the two stands at most one update, into which whatever comes while nobody reads is merged. At rest it
 * costs nothing, here or on the server: the cursor is enough to go on from.
 */

/** So many notifications are kept for a reader who is busy. What changed beyond them is asked for when they are read. */
const MAX_UNREAD = 1_000

export interface WatchOptions {
  /**
   * Hears whether the stream flows: `live` with the first update after every connection, also where it tells nothing
   * new, and `waiting` with the reason while the connection is lost.
   */
  readonly onStatus?: ((status: 'live' | 'waiting', error: CarillonClientError | null) => void) | undefined
}

/**
 * An inbox's updates, read one after another: each change once, in order, from `after` on or from now on. Lost
 * connections are made up for; it rejects with what coming back cannot heal.
 */
export const watchInbox = (
  subscribe: Subscribe,
  { after = null, recipientId = null }: InboxUpdatesSubscriptionVariables = {},
  { onStatus }: WatchOptions = {},
): AsyncIterableIterator<InboxUpdate, undefined> => {
  let cursor = after
  let greeted = false
  let live = false
  let unread: InboxUpdate | null = null
  let leave: (() => void) | null = null

  const rest = (): void => {
    leave?.()
    leave = null
  }
  const tellStatus = (error: CarillonClientError | null): void => {
    const is = error === null
    if (is && live) return
    live = is
    onStatus?.(is ? 'live' : 'waiting', error)
  }
  const hear = (update: InboxUpdate): void => {
    tellStatus(null)
    // Every subscription begins with an update, also where nothing has happened since.
    const news = !greeted || update.resync || update.cursor !== cursor
    greeted = true
    cursor = update.cursor
    if (!news) return
    unread = unread ? mergeUpdates(unread, update) : update
    stream.filled()
    if (unread && unread.changed.length + unread.removedIds.length >= MAX_UNREAD) rest()
  }
  const stream = createStream<InboxUpdate>({
    take() {
      const update = unread
      unread = null
      return update
    },
    wanted() {
      leave ??= subscribe(
        {
          document: { query: InboxUpdatesDocument.toString() },
          variables: () => ({ after: cursor, recipientId }),
          resumable: true,
        },
        {
          next: (data) => hear((data as InboxUpdatesSubscription).inboxUpdates),
          error: stream.end,
          complete: stream.end,
          waiting: tellStatus,
        },
      )
    },
    left: rest,
  })
  return stream.iterator
}
