import type { AttemptOutcome, DeliveryStatus } from './delivery.ts'
import type { ReasonCode } from './reasons.ts'
import { type RetryPolicy, retryDelayMs } from './retry.ts'

export const ERROR_CLASSES = ['temporary', 'permanent', 'bounced', 'render_failed', 'unknown_classification'] as const
export type ErrorClass = (typeof ERROR_CLASSES)[number]

/** How one try ended, whoever says so: the provider, or the server where there was no answer that it understood. */
export type TryResult =
  | { readonly ended: 'accepted'; readonly providerMessageId: string | null }
  | {
      readonly ended: 'temporary' | 'render_failed' | 'unknown_classification'
      readonly reason: string | null
      readonly retryAfterMs: number
    }
  | { readonly ended: 'permanent' | 'bounced'; readonly reason: string | null }
  /** The process that made the call died before it could record what came of it. */
  | { readonly ended: 'unknown' }

/** What a try makes of its delivery. */
export interface Settlement {
  readonly outcome: AttemptOutcome
  readonly errorClass: ErrorClass | null
  readonly status: DeliveryStatus
  readonly suppressionReason: ReasonCode | null
  /** How long until the next try; `null` where there is none. */
  readonly retryInMs: number | null
}

const OUTCOME_OF_FAILURE = { permanent: 'rejected', bounced: 'bounced' } as const
const REASON_OF_FAILURE = { permanent: 'permanent_failure', bounced: 'bounced' } as const

/**
 * Decides what follows a try. `tries` counts it in; `random` is in `[0, 1)`. An unknown one is tried again at once: its
 * lease has long been over.
 */
export const settleTry = (
  result: TryResult,
  { policy, tries, random }: { readonly policy: RetryPolicy; readonly tries: number; readonly random: number },
): Settlement => {
  switch (result.ended) {
    case 'accepted':
      return { outcome: 'succeeded', errorClass: null, status: 'succeeded', suppressionReason: null, retryInMs: null }
    case 'permanent':
    case 'bounced':
      return {
        outcome: OUTCOME_OF_FAILURE[result.ended],
        errorClass: result.ended,
        status: 'cancelled',
        suppressionReason: REASON_OF_FAILURE[result.ended],
        retryInMs: null,
      }
    case 'unknown': {
      const exhausted = tries >= policy.attempts
      return {
        outcome: 'unknown',
        errorClass: null,
        status: exhausted ? 'cancelled' : 'dispatched',
        suppressionReason: exhausted ? 'retries_exhausted' : null,
        retryInMs: exhausted ? null : 0,
      }
    }
    default: {
      const retryInMs = retryDelayMs(policy, { tries, retryAfterMs: result.retryAfterMs, random })
      return {
        outcome: 'failed',
        errorClass: result.ended,
        status: retryInMs === null ? 'cancelled' : 'failed',
        suppressionReason: retryInMs === null ? 'retries_exhausted' : null,
        retryInMs,
      }
    }
  }
}
