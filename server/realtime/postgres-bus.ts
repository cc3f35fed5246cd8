import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import postgres from 'postgres'
import type { InboxKey } from '../core/cursor.ts'
import { inboxName } from '../core/name-of.ts'
import type { Telemetry } from '../telemetry.ts'
import { type Bus, type BusListener, memoryBus } from './bus.ts'

const CHANNEL = 'carillon'
/** PostgreSQL refuses a payload of 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_500
/** With more inboxes than this in one flush the hint says "all": reading them costs less than naming them. */
const MAX_NAMED_INBOXES = 2_000
/** Hints leave together at most this often: a notification serialises commits, so there must be few of them. */
const FLUSH_EVERY_MS = 5

interface Hint {
  readonly from: string
  readonly inboxes?: readonly (readonly [tenantId: string, recipientId: string])[] | 'all'
  readonly work?: true
}

/** Anyone with an account on the database may notify: what is no hint is not acted on. */
const understand = (payload: string): Hint | null => {
  try {
    const hint = JSON.parse(payload) as Hint
    const names = Array.isArray(hint.inboxes) && hint.inboxes.every((name) => Array.isArray(name))
    return names || hint.inboxes === 'all' || hint.inboxes === undefined ? hint : null
  } catch {
    return null
  }
}

/** Cuts a list of inboxes into hints that fit a payload each. */
const packInboxes = (from: string, inboxes: readonly InboxKey[]): Hint[] => {
  if (inboxes.length > MAX_NAMED_INBOXES) return [{ from, inboxes: 'all' }]
  const hints: Hint[] = []
  let part: [string, string][] = []
  let bytes = 0
  for (const { tenantId, recipientId } of inboxes) {
    const size = Buffer.byteLength(JSON.stringify([tenantId, recipientId])) + 1
    if (part.length > 0 && bytes + size > MAX_PAYLOAD_BYTES - 100) {
      hints.push({ from, inboxes: part })
      part = []
      bytes = 0
    }
    part.push([tenantId, recipientId])
    bytes += size
  }
  return part.length > 0 ? [...hints, { from, inboxes: part }] : hints
}

/**
 * Between processes, over LISTEN and NOTIFY. Listens on a connection of its own, which comes back by itself; hints
 * that were lost meanwhile are made good by looking at every inbox. Sends outside of any transaction, several at once.
 */
export const openPostgresBus = async ({
  url,
  pool,
  telemetry,
}: {
  readonly url: string
  readonly pool: Pool
  readonly telemetry: Telemetry
}): Promise<Bus> => {
  const self = randomUUID()
  const local = memoryBus()
  const listeners = new Set<BusListener>()
  const pending = { inboxes: new Map<string, InboxKey>(), work: false }
  let timer: NodeJS.Timeout | null = null
  let sending: Promise<void> = Promise.resolve()
  let connected = false

  const hear = (payload: string): void => {
    const hint = understand(payload)
    if (!hint) {
      telemetry.emit('bus.failed', { error: new Error('heard a notification that is no hint') })
      return
    }
    const { from, inboxes, work } = hint
    if (from === self) return
    const moved = inboxes === 'all' ? inboxes : inboxes?.map(([tenantId, recipientId]) => ({ tenantId, recipientId }))
    for (const listener of listeners) {
      if (moved) listener.inboxesMoved(moved)
      if (work) listener.workDue()
    }
  }

  const flush = async (): Promise<void> => {
    timer = null
    const hints = packInboxes(self, [...pending.inboxes.values()])
    if (pending.work) hints.push({ from: self, work: true })
    pending.inboxes.clear()
    pending.work = false
    try {
      const payloads = hints.map((hint) => JSON.stringify(hint))
      await pool.query({
        text: `select pg_notify('${CHANNEL}', payload) from unnest($1::text[]) as payload`,
        values: [payloads],
      })
    } catch (error) {
      // A lost hint is healed by the listeners' own slow sweep.
      telemetry.emit('bus.failed', { error: error as Error })
    }
  }

  const flushSoon = (): void => {
    timer ??= setTimeout(() => {
      sending = sending.then(flush)
    }, FLUSH_EVERY_MS)
  }

  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { application_name: 'carillon bus' } })
  const onListening = (): void => {
    if (connected) {
      telemetry.emit('bus.reconnected', {})
      for (const listener of listeners) {
        listener.inboxesMoved('all')
        listener.workDue()
      }
    }
    connected = true
  }
  try {
    await sql.listen(CHANNEL, hear, onListening)
  } catch (error) {
    // It would go on trying for ever, and keep the process alive.
    await sql.end({ timeout: 0 })
    throw error
  }

  return {
    inboxesMoved(inboxes) {
      if (inboxes.length === 0) return
      local.inboxesMoved(inboxes)
      for (const inbox of inboxes) pending.inboxes.set(inboxName(inbox), inbox)
      flushSoon()
    },
    workDue() {
      local.workDue()
      pending.work = true
      flushSoon()
    },
    listen(listener) {
      const stop = local.listen(listener)
      listeners.add(listener)
      return () => {
        stop()
        listeners.delete(listener)
      }
    },
    async close() {
      if (timer) {
        clearTimeout(timer)
        sending = sending.then(flush)
      }
      await sending
      await sql.end({ timeout: 1 })
      await local.close()
    },
  }
}
