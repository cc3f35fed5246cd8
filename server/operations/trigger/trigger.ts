import type { TriggerRequest } from '../../core/trigger-request.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import type { InputPath } from '../../errors.ts'
import type { Capabilities } from '../capabilities.ts'
import type { KnownRecipients } from '../recipients-known.ts'
import { openLanes } from './lanes.ts'
import { prepareTrigger } from './prepare.ts'

/** One accepted trigger. */
export interface Triggered {
  readonly event: EventRow
  /** The idempotency key had been used for this same request before. */
  readonly deduplicated: boolean
}

export interface TriggerCall {
  readonly tenantId: string
  readonly request: TriggerRequest
  /** Where the request stands in the caller's input; errors name it. */
  readonly path: InputPath
}

/** Records an event and everything that it causes. Resolves once that is committed, rejects with nothing written. */
export type Trigger = (call: TriggerCall) => Promise<Triggered>

/** Concurrent calls share transactions, each with an outcome of its own. */
export const createTrigger = (capabilities: Capabilities, known: KnownRecipients): Trigger => {
  const commit = openLanes(capabilities, known)
  return async (call) => {
    const { event, repeated } = await commit(await prepareTrigger(capabilities, known, call))
    return { event, deduplicated: repeated }
  }
}
