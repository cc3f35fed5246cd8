import type { InboxKey } from '../core/cursor.ts'
import type { DeliveryKey } from '../core/delivery.ts'

/** What processes tell each other: hints, ids only, that may be lost. Whoever listens reads the truth for itself. */
export interface BusListener {
  /** These inboxes moved. `all`: hints may have been lost, look at every one. */
  inboxesMoved(inboxes: readonly InboxKey[] | 'all'): void
  /** There is work that is due. */
  workDue(): void
  /** These deliveries changed; a part of them where there are too many to name. */
  deliveriesChanged(deliveries: readonly DeliveryKey[]): void
  /** Somebody follows deliveries: which of them change is worth telling for a while. */
  deliveriesTailed(): void
}

export interface Bus {
  /** To every listener of every process, this one's included and first. */
  inboxesMoved(inboxes: readonly InboxKey[]): void
  workDue(): void
  deliveriesChanged(deliveries: readonly DeliveryKey[]): void
  deliveriesTailed(): void
  /** Returns what stops it. */
  listen(listener: BusListener): () => void
  close(): Promise<void>
}

/** Within one process. */
export const memoryBus = (): Bus => {
  const listeners = new Set<BusListener>()
  return {
    inboxesMoved: (inboxes) => {
      if (inboxes.length > 0) for (const listener of listeners) listener.inboxesMoved(inboxes)
    },
    workDue: () => {
      for (const listener of listeners) listener.workDue()
    },
    deliveriesChanged: (deliveries) => {
      if (deliveries.length > 0) for (const listener of listeners) listener.deliveriesChanged(deliveries)
    },
    deliveriesTailed: () => {
      for (const listener of listeners) listener.deliveriesTailed()
    },
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: async () => listeners.clear(),
  }
}
