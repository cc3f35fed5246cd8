import { randomUUID } from 'node:crypto'
import type { InboxKey } from '../core/cursor.ts'
import type { DeliveryKey } from '../core/delivery.ts'
import { inboxName, nameOf } from '../core/name-of.ts'
import type { Telemetry } from '../telemetry.ts'
import { type Bus, type BusListener, memoryBus } from './bus.ts'
import { packHints, understand } from './hint.ts'

/** Hints leave together at most this often: each message costs its carrier, so there must be few of them. */
const FLUSH_EVERY_MS = 5

/** What takes messages from one process to the others. */
export interface Carrier {
  readonly maxPayloadBytes: number
  /** Rejects where they cannot be sent. */
  send(payloads: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** What a carrier tells of. */
export interface CarrierEvents {
  heard(payload: string): void
  /** Listening, for the first time or again: what was said meanwhile is lost. */
  listening(): void
  /** Not listening any more; it will again. */
  lost(error: Error): void
}

/**
 * A bus between processes, over whatever carries its messages. Each process tells itself at once and the others in
 * batches; messages that were lost while the carrier was away are made good by looking at every inbox.
 */
export const openCarriedBus = async (
  telemetry: Telemetry,
  connect: (events: CarrierEvents) => Promise<Carrier>,
): Promise<Bus> => {
  const self = randomUUID()
  const local = memoryBus()
  const listeners = new Set<BusListener>()
  const inboxes = new Map<string, InboxKey>()
  const deliveries = new Map<string, DeliveryKey>()
  let work = false
  let tailed = false
  let timer: NodeJS.Timeout | null = null
  let sending: Promise<void> = Promise.resolve()
  let stands: 'not yet' | 'listening' | 'lost' | 'closed' = 'not yet'

  const heard = (payload: string): void => {
    const hint = understand(payload)
    if (!hint) {
      telemetry.emit('bus.failed', { error: new Error('heard a message that is no hint') })
      return
    }
    if (hint.from === self) return
    const moved =
      hint.inboxes === 'all'
        ? hint.inboxes
        : hint.inboxes?.map(([tenantId, recipientId]) => ({ tenantId, recipientId }))
    const changed = hint.deliveries?.map(([tenantId, id]) => ({ tenantId, id }))
    for (const listener of listeners) {
      if (moved) listener.inboxesMoved(moved)
      if (changed) listener.deliveriesChanged(changed)
      if (hint.work) listener.workDue()
      if (hint.tailed) listener.deliveriesTailed()
    }
  }

  const listening = (): void => {
    if (stands === 'closed') return
    if (stands === 'not yet') telemetry.emit('bus.connected', {})
    else {
      telemetry.emit('bus.reconnected', {})
      for (const listener of listeners) {
        listener.inboxesMoved('all')
        listener.workDue()
      }
    }
    stands = 'listening'
  }

  const lost = (error: Error): void => {
    // A carrier may say so of every failed try to come back.
    if (stands !== 'listening') return
    stands = 'lost'
    telemetry.emit('bus.lost', { error })
  }

  const carrier = await connect({ heard, listening, lost })

  const flush = async (): Promise<void> => {
    timer = null
    const gathered = { inboxes: [...inboxes.values()], deliveries: [...deliveries.values()], work, tailed }
    inboxes.clear()
    deliveries.clear()
    work = false
    tailed = false
    try {
      await carrier.send(packHints(self, gathered, carrier.maxPayloadBytes))
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

  return {
    inboxesMoved(moved) {
      if (moved.length === 0) return
      local.inboxesMoved(moved)
      for (const inbox of moved) inboxes.set(inboxName(inbox), inbox)
      flushSoon()
    },
    deliveriesChanged(changed) {
      if (changed.length === 0) return
      local.deliveriesChanged(changed)
      for (const delivery of changed) deliveries.set(nameOf(delivery.tenantId, delivery.id), delivery)
      flushSoon()
    },
    workDue() {
      local.workDue()
      work = true
      flushSoon()
    },
    deliveriesTailed() {
      local.deliveriesTailed()
      tailed = true
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
      stands = 'closed'
      await carrier.close()
      await local.close()
    },
  }
}
