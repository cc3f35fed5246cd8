import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { eventsOf } from '../support/event-stream.ts'
import type { Balancer } from './balancer.ts'

const UPDATES = `subscription ($after: InboxCursor) {
  inboxUpdates(after: $after) { cursor resync removedIds changed { id readAt content { title } } }
}`

interface Update {
  readonly cursor: string
  readonly resync: boolean
  readonly removedIds: readonly string[]
  readonly changed: readonly {
    readonly id: string
    readonly readAt: string | null
    readonly content: { readonly title: string }
  }[]
}

/** Somebody who looks at an inbox, and comes back by cursor wherever a stream ends. */
export interface Watcher {
  readonly kind: 'socket' | 'stream'
  /** Titles in the order in which they were first told of, once for each time that they were told unread. */
  readonly told: readonly string[]
  /** What it knows of each item. */
  readonly items: ReadonlyMap<string, { readonly title: string; readonly readAt: string | null }>
  /** How often it had to come back. */
  readonly returns: number
  /** What it was never to see: that it has to reload, or that something was taken away. */
  readonly faults: readonly string[]
  /** Whether the first update has come. */
  readonly watching: boolean
  close(): void
}

/** One stream of updates until it ends, however it does. */
type Follow = (url: string, after: string | null, take: (update: Update) => void) => Promise<void>

const bySocket =
  (token: string, signal: AbortSignal): Follow =>
  async (url, after, take) => {
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token },
      // Where to come back to is the balancer's to say.
      retryAttempts: 0,
    })
    const stop = () => void client.dispose()
    signal.addEventListener('abort', stop)
    try {
      const updates = client.iterate<{ inboxUpdates: Update }>({ query: UPDATES, variables: { after } })
      for await (const { data, errors } of updates) {
        if (!data) throw new Error(JSON.stringify(errors))
        take(data.inboxUpdates)
      }
    } finally {
      signal.removeEventListener('abort', stop)
      await client.dispose()
    }
  }

const byStream =
  (token: string, signal: AbortSignal): Follow =>
  async (url, after, take) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ query: UPDATES, variables: { after } }),
      signal,
    })
    for await (const { event, data } of eventsOf(response)) if (event === 'next') take(data.data.inboxUpdates)
  }

export const watch = (balancer: Balancer, token: string, kind: Watcher['kind']): Watcher => {
  const told: string[] = []
  const items = new Map<string, { title: string; readAt: string | null }>()
  const faults: string[] = []
  const ending = new AbortController()
  const follow = (kind === 'socket' ? bySocket : byStream)(token, ending.signal)
  let cursor: string | null = null
  let rounds = 0

  const take = (update: Update): void => {
    if (update.resync || update.removedIds.length > 0) faults.push(JSON.stringify(update))
    for (const { id, readAt, content } of update.changed) {
      if (readAt === null) told.push(content.title)
      items.set(id, { title: content.title, readAt })
    }
    cursor = update.cursor
  }
  const goOn = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      rounds += 1
      // A stream that ends is no fault; what it did not tell is asked for by the next one.
      await follow(await balancer.next(), cursor, take).catch(() => {})
      await delay(10)
    }
  }
  void goOn()

  return {
    kind,
    told,
    items,
    faults,
    get returns() {
      return rounds - 1
    },
    get watching() {
      return cursor !== null
    },
    close: () => ending.abort(),
  }
}
