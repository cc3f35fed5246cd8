import { EventEmitter } from 'node:events'
import type { ErrorCode } from './errors.ts'

/** A delivery as far as it is counted. */
export interface CountedDelivery {
  readonly channel: string
  readonly status: string
  readonly suppressionReason: string | null
}

/**
 * Every observable moment, named once. Logs, metrics and tests listen to these; nothing depends on anyone listening.
 * Ids are internal ones; no payload, content or address is ever among them.
 */
export interface Moments {
  /** A trigger was answered; the key is that of a notifier that there is, `null` where there is none such. */
  'trigger.answered': {
    readonly notificationKey: string | null
    readonly answer: 'accepted' | 'deduplicated' | ErrorCode
    readonly durationMs: number
  }
  /** Triggers were committed together; `slow` says that they had to wait for others. */
  'trigger.committed': {
    readonly triggers: number
    readonly recipients: number
    readonly slow: boolean
    readonly durationMs: number
  }
  /** Deliveries were planned, or came to their turn: some of them are over with that, and each says how. */
  'deliveries.decided': {
    readonly checkpoint: 'planning' | 'perform'
    readonly deliveries: readonly CountedDelivery[]
  }
  /** Runs of workflows were begun; some may be over already. */
  'runs.started': { readonly states: readonly string[] }
  /** Runs of workflows came to their ends. */
  'runs.ended': { readonly states: readonly string[] }
  /** Everyone of an event that is planned by a job has been planned. */
  'event.planned': { readonly tenantId: string; readonly eventId: string }
  /** A notifier's own code threw, took too long or returned what it must not. */
  'notifier.failed': { readonly tenantId: string; readonly notificationKey: string; readonly error: Error }
  /** Work was claimed. */
  'work.claimed': { readonly kind: string; readonly count: number }
  /** The queue was looked at, and so much claimed from it, of whatever kind. */
  'queue.looked_at': { readonly claimed: number; readonly durationMs: number }
  /** An adapter was called, or could not be: then there is no duration. */
  'attempt.made': {
    readonly adapter: string
    readonly channel: string
    readonly ended: string
    readonly durationMs: number | null
  }
  /** A lease had run out in mid-call: its attempt is recorded as unknown. */
  'attempt.unknown': { readonly tenantId: string; readonly deliveryId: string }
  /** A digest's bucket was closed; `emitted` says whether anything was left to send. */
  'digest.closed': { readonly tenantId: string; readonly bucketId: string; readonly emitted: boolean }
  /** A delivery's result was recorded. */
  'delivery.settled': {
    readonly tenantId: string
    readonly deliveryId: string
    readonly channel: string
    readonly status: string
    /** Why it is over without having succeeded, where it is. */
    readonly reason: string | null
  }
  /** An adapter threw, hung or answered nonsense; its delivery is tried again. */
  'adapter.misbehaved': {
    readonly adapter: string
    readonly deliveryId: string
    readonly problem: string
    readonly error?: Error
  }
  /** A result came after its lease had gone to another worker, and was dropped. */
  'result.too_late': { readonly tenantId: string; readonly deliveryId: string }
  /** A preference or policy was set for what no notifier has; told once a name. */
  'setting.unmatched': {
    readonly tenantId: string
    readonly kind: 'notificationKey' | 'category' | 'channel'
    readonly name: string
  }
  /** The job loop could not do its work; it goes on by itself. */
  'worker.failed': { readonly error: Error }
  /** A provider's webhook was answered; the adapter is `null` where there is none such. */
  'webhook.answered': { readonly adapter: string | null; readonly outcome: string; readonly events: number }
  /** A provider's webhook was not taken. */
  'webhook.refused': { readonly adapter: string; readonly problem: string }
  /** A provider's report could not be carried out: it is tried again, or given up. */
  'report.failed': {
    readonly tenantId: string
    readonly reportId: string
    readonly givenUp: boolean
    readonly error: Error
  }
  /** One batch of a pruning was committed: for so long at most did anybody wait for it. */
  'history.batch_pruned': { readonly tenantId: string; readonly ms: number }
  /** What was old enough has been pruned, of all tenants. */
  'history.pruned': {
    readonly events: number
    readonly notifications: number
    readonly deliveries: number
    readonly items: number
    readonly signals: number
    readonly reports: number
  }
  /** A connection died while idle; it is replaced by itself. */
  'database.connection_lost': { readonly to: 'primary' | 'replica'; readonly error: Error }
  /**
   * How the database stands: it answers, has not answered for a second, or is lost, and why. While it is lost, requests are
   * refused at once.
   */
  'database.state': { readonly state: 'alive' | 'silent' | 'gone'; readonly error: Error | null }
  /** The bus listens to its peers for the first time. */
  'bus.connected': Record<string, never>
  /** The bus lost touch with its peers; it goes on trying. */
  'bus.lost': { readonly error: Error }
  /** The bus lost touch with its peers and found it again; every open inbox is looked at. */
  'bus.reconnected': Record<string, never>
  'bus.failed': { readonly error: Error }
  /** Changes of inboxes were given to subscribers; how long ago each that brought an arrival had arrived. */
  'inbox.pushed': { readonly updates: number; readonly resyncs: number; readonly delaysMs: readonly number[] }
  /** Something stays open. */
  'stream.opened': { readonly kind: 'socket' | 'event_stream' }
  'stream.closed': { readonly kind: 'socket' | 'event_stream' }
  /** An operation was answered, or a subscription ended or was refused; `none` where it did not get as far as that. */
  'request.answered': {
    readonly door: 'http' | 'socket'
    readonly operation: 'query' | 'mutation' | 'subscription' | 'none'
    readonly code: 'OK' | ErrorCode
    readonly durationMs: number
  }
  /** A request failed for a reason that is the server's own; the caller was told so, with the id, or was told none. */
  'request.failed': { readonly error: Error; readonly errorId: string | null }
}

export interface Telemetry {
  emit<Name extends keyof Moments>(name: Name, moment: Moments[Name]): void
  on<Name extends keyof Moments>(name: Name, listener: (moment: Moments[Name]) => void): () => void
  /** The next such moment for which `fits` says so. */
  once<Name extends keyof Moments>(name: Name, fits?: (moment: Moments[Name]) => boolean): Promise<Moments[Name]>
}

export const createTelemetry = (): Telemetry => {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  const telemetry: Telemetry = {
    emit: (name, moment) => void emitter.emit(name, moment),
    on(name, listener) {
      emitter.on(name, listener)
      return () => void emitter.off(name, listener)
    },
    once: (name, fits = () => true) =>
      new Promise((resolve) => {
        const stop = telemetry.on(name, (moment) => {
          if (!fits(moment)) return
          stop()
          resolve(moment)
        })
      }),
  }
  return telemetry
}
