import type { DeliveryStatus, OrchestrationState } from './delivery.ts'
import { REASONS, type ReasonCode } from './reasons.ts'
import type { Story } from './timeline.ts'

/** What a summary is made of, beside the story. */
export interface Summarised extends Story {
  readonly delivery: Story['delivery'] & {
    readonly status: DeliveryStatus
    readonly orchestrationState: OrchestrationState
    readonly planningReason: string | null
    readonly suppressionReason: string | null
    readonly nextEligibleAt: Date | null
    readonly nextAttemptAt: Date | null
  }
}

const at = (instant: Date | null | undefined): string =>
  instant ? ` at ${instant.toISOString().slice(0, 19).replace('T', ' ')} UTC` : ''

const meaning = (reason: string | null): string =>
  REASONS[reason as ReasonCode] ?? `${reason ?? 'The reason is not known'}.`

const tries = (count: number): string => (count === 1 ? 'one try' : `${count} tries`)

/** One sentence that a support person can read out, made of what was stored. */
export const summaryOf = ({ delivery, attempts, transitions, decisions }: Summarised): string => {
  const last = attempts.at(-1)
  const words = last?.reason ? ` The provider's words: "${last.reason}".` : ''
  switch (delivery.status) {
    case 'pending':
      if (delivery.orchestrationState === 'ready')
        return 'Waiting to be sent: it is due, and a worker will take it next.'
      return `Held${delivery.nextEligibleAt ? ` until${at(delivery.nextEligibleAt).slice(3)}` : ''}: ${delivery.planningReason}.`
    case 'dispatched': {
      const begun = decisions.findLast(({ checkpoint }) => checkpoint === 'perform')?.at
      return `Being handed to the provider since${at(begun).slice(3)}; its answer has not been recorded yet.`
    }
    case 'succeeded': {
      if (delivery.channel === 'in_app') return `Arrived in the inbox${at(last?.insertedAt)}.`
      const unknown = attempts.filter(({ outcome }) => outcome === 'unknown').length
      const repeated =
        unknown > 0
          ? ` A worker died in mid-call before (${tries(unknown)}), so the provider may have seen it more than once, each time under the same idempotency key.`
          : ''
      return `Sent${at(last?.insertedAt)} by ${last?.adapter ?? 'its adapter'}, on try ${last?.attemptNumber ?? 1}.${repeated}`
    }
    case 'failed':
      return `Failed for now after ${tries(attempts.length)}; the next one is due${at(delivery.nextAttemptAt)}.${words}`
    case 'suppressed': {
      const suppressed = decisions.at(-1)
      return `Not sent: decided${at(suppressed?.at)}. ${meaning(delivery.suppressionReason)}`
    }
    case 'cancelled': {
      const cancelled = transitions.findLast(({ event }) => event === 'cancelled' || event === 'event_cancelled')
      return `Not sent: cancelled${at(cancelled?.at ?? delivery.insertedAt)}. ${meaning(delivery.suppressionReason)}${words}`
    }
    case 'digested':
      return 'Sent as part of a digest.'
  }
}
