import type { InboxKey } from '../core/cursor.ts'

/** What processes tell each other: hints, ids only, that may be lost. Whoever listens reads the truth for itself. */
export interface BusListener {
  /** These inboxes moved. `all`: hints may have been lost, look at every one. */
  inboxesMoved(inboxes: readonly InboxKey[] | 'all'): void
  /** There is work that is due. */
  workDue(): void
}

export interface Bus {
  /** To every listener of every process, this one's included and first. */
  inboxesMoved(inboxes: readonly InboxKey[]): void
  workDue(): void
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
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: async () => listeners.clear(),
  }
}
