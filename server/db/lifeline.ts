import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

/*
 *   gone ──connects──► alive ◄──the answer comes──► silent     asked, and no answer within SILENT_MS
 *    ▲                   └───────────────┬─────────────┘
 *    └── connection lost, or no answer within LOST_MS ──┘      then it connects anew, every PAUSE_MS
 *
 * and crowded instead of gone while the server answers that it has no place for one more connection.
 */

export type LifelineState = 'alive' | 'silent' | 'gone' | 'crowded'

/** How often it asks, and so how long a loss goes unnoticed that nobody is told of; all in milliseconds. */
const ASK_EVERY_MS = 500
const SILENT_MS = 1_000
const LOST_MS = 3_000
const CONNECT_MS = 2_000
const PAUSE_MS = 250
const GOODBYE_MS = 500

const QUESTION = { text: 'select pg_is_in_recovery() as standby' }

/** The server is a standby, which takes no writes: the next connection may find the primary. */
class StandbyError extends Error {
  override readonly name = 'StandbyError'
}

/** The server answers, and says that it has no place for one more connection. */
const isCrowded = (error: Error & { code?: unknown }): boolean =>
  typeof error.code === 'string' && error.code.startsWith('53')

/** One connection that is asked again and again whether it still leads to a database that answers. */
export interface Lifeline {
  readonly state: LifelineState
  /** Ends the connection; nothing is told any more. */
  close(): Promise<void>
}

export interface LifelineOptions {
  readonly url: string
  /** What `pg_stat_activity` shows it as. */
  readonly name: string
  /** What is to be done on each new connection before it counts as alive. */
  readonly prepare?: (client: pg.Client) => Promise<unknown>
  /** Told of each change, and why it is gone. */
  readonly onState: (state: LifelineState, error?: Error) => void
}

const streamOf = (client: pg.Client) =>
  (client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }).connection.stream

/**
 * Runs `late` where `work` takes longer than that; answers what stops it. A process that was busy itself reads what has
 * come in meanwhile before it holds anybody else to be late.
 */
const unlessWithin = (ms: number, late: () => void): (() => void) => {
  let over = false
  const timer = setTimeout(() => setImmediate(() => over || late()), ms)
  return () => {
    over = true
    clearTimeout(timer)
  }
}

/**
 * Holds a connection, connects anew whenever it is lost, and says how it stands. A connection to a machine that has
 * vanished never ends by itself: only an answer that does not come tells of it.
 */
export const openLifeline = ({ url, name, prepare, onState }: LifelineOptions): Lifeline => {
  const closing = new AbortController()
  const { signal } = closing
  let state: LifelineState | null = null
  let current: pg.Client | null = null

  const become = (next: LifelineState, error?: Error): void => {
    // While it connects anew, an answer that is late says nothing new.
    if (state === next || (state !== 'alive' && next === 'silent') || signal.aborted) return
    state = next
    onState(next, error)
  }

  /** Waits for an answer, and ends the connection where there is none. */
  const answered = async <T>(client: pg.Client, answer: Promise<T>): Promise<T> => {
    const stops = [
      unlessWithin(SILENT_MS, () => become('silent')),
      unlessWithin(LOST_MS, () => streamOf(client).destroy()),
    ]
    try {
      return await answer
    } finally {
      for (const stop of stops) stop()
    }
  }

  const ask = async (client: pg.Client): Promise<void> => {
    const { rows } = await answered(client, client.query<{ standby: boolean }>(QUESTION))
    if (rows[0]?.standby) throw new StandbyError('the server is a standby, which takes no writes')
  }

  const hold = async (): Promise<void> => {
    const client = new pg.Client({
      connectionString: url,
      application_name: name,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
    })
    current = client
    const lost = new Promise<never>((_, reject) => {
      client.on('error', reject)
      client.on('end', () => reject(new Error('Connection terminated')))
    })
    lost.catch(() => {})
    const live = async (): Promise<void> => {
      await client.connect()
      await ask(client)
      if (prepare) await answered(client, prepare(client))
      while (!signal.aborted) {
        become('alive')
        await delay(ASK_EVERY_MS, null, { signal })
        await ask(client)
      }
    }
    try {
      await Promise.race([live(), lost])
    } finally {
      // Said goodbye to where it may be listening; a connection that is lost is let go of.
      if (signal.aborted && state === 'alive')
        await Promise.race([client.end(), delay(GOODBYE_MS, null, { ref: false })])
      streamOf(client).destroy()
    }
  }

  const holdOn = async (): Promise<void> => {
    while (!signal.aborted) {
      await hold().catch((error: Error) => become(isCrowded(error) ? 'crowded' : 'gone', error))
      await delay(PAUSE_MS, null, { signal }).catch(() => {})
    }
  }
  const held = holdOn()

  return {
    get state() {
      return state ?? 'gone'
    },
    async close() {
      closing.abort()
      await Promise.race([held, delay(GOODBYE_MS, null, { ref: false })])
      if (current) streamOf(current).destroy()
      await held
    },
  }
}
