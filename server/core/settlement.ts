import type { AttemptOutcome, DeliveryStatus } from './delivery.ts'
import type { ReasonCode } from './reasons.ts'
import { type RetryPolicy, retryDelayMs } from './retry.ts'

export const ERROR_CLASSES = ['temporary', 'permanent', 'bounced', 'render_failed', 'unknown_classification'] as const
export type ErrorClass = (typeof ERROR_CLASSES)[number]

/** How one call ended, whoever says so: the provider, or the server where there was no answer that it understood. */
export type CallResult =
  | { readonly ended: 'accepted'; readonly providerMessageId: string | null }
  | {
      readonly ended: 'temporary' | 'render_failed' | 'unknown_classification'
      readonly reason: string | null
      readonly retryAfterMs: number
    }
  | { readonly ended: 'permanent' | 'bounced'; readonly reason: string | null }
  | PutOff

/** No call was made: every provider of the channel rests, or the server is about to stop. */
export interface PutOff {
  readonly ended: 'put_off'
  readonly because: 'breaker' | 'given_up'
  readonly reason: string
  /** How long its providers rest yet, in milliseconds. */
  readonly retryAfterMs: number
}

/** What an attempt says of a call. */
export const attemptOf = ({
  ended,
}: CallResult): { readonly outcome: AttemptOutcome; readonly errorClass: ErrorClass | null } => {
  switch (ended) {
    case 'accepted':
      return { outcome: 'succeeded', errorClass: null }
    case 'permanent':
      return { outcome: 'rejected', errorClass: ended }
    case 'bounced':
      return { outcome: 'bounced', errorClass: ended }
    case 'put_off':
      return { outcome: 'failed', errorClass: 'temporary' }
    default:
      return { outcome: 'failed', errorClass: ended }
  }
}

/** How it stands with an address for which nothing more is to be done. */
export type AddressEnd = 'accepted' | 'permanent' | 'bounced'

/** How it stands with an address by its attempts' outcomes, oldest first; `null` where it is to be called. */
export const addressEnd = (outcomes: readonly AttemptOutcome[]): AddressEnd | null => {
  if (outcomes.includes('succeeded')) return 'accepted'
  const last = outcomes.at(-1)
  return last === 'rejected' ? 'permanent' : last === 'bounced' ? 'bounced' : null
}

/** What a try makes of its delivery. */
export interface Settlement {
  readonly status: DeliveryStatus
  readonly suppressionReason: ReasonCode | null
  /** How long until the next try; `null` where there is none. */
  readonly retryInMs: number | null
  /** Why none of the addresses that are left was called in this try; `null` where one was, or none is left. */
  readonly putOffBy: 'breaker' | null
}

const retryAfterOf = (result: CallResult): number => ('retryAfterMs' in result ? result.retryAfterMs : 0)
const isPutOff = ({ ended }: CallResult): boolean => ended === 'put_off'
const endOf = ({ ended }: CallResult): AddressEnd | null =>
  ended === 'accepted' || ended === 'permanent' || ended === 'bounced' ? ended : null

interface TryOptions {
  readonly policy: RetryPolicy
  readonly tries: number
  readonly random: number
}

/** How long until those are called that may still be reached; `null` where no try is left. */
const nextTryInMs = (open: readonly CallResult[], { policy, tries, random }: TryOptions): number | null => {
  const retryAfterMs = Math.max(...open.map(retryAfterOf))
  // Nobody was asked, so nobody is to be spared.
  if (open.every(isPutOff)) return retryAfterMs
  // Nor is an address given up that was not called.
  const attempts = open.some(isPutOff) ? Number.POSITIVE_INFINITY : policy.attempts
  return retryDelayMs({ ...policy, attempts }, { tries, retryAfterMs, random })
}

const restsOf = (open: readonly CallResult[]): Settlement['putOffBy'] =>
  open.every((result) => result.ended === 'put_off' && result.because === 'breaker') ? 'breaker' : null

/**
 * Decides what follows a try: the last answer for each address that was called, and how it stands with the others.
 * While one of them may still be reached the delivery goes on, for that one alone; else one that accepted is enough.
 * `tries` counts this one in; `random` is in `[0, 1)`.
 */
export const settleTry = (
  results: readonly CallResult[],
  { earlier = [], ...options }: TryOptions & { readonly earlier?: readonly AddressEnd[] },
): Settlement => {
  const open = results.filter((result) => endOf(result) === null)
  const retryInMs = open.length > 0 ? nextTryInMs(open, options) : null
  if (retryInMs !== null) return { status: 'failed', suppressionReason: null, retryInMs, putOffBy: restsOf(open) }
  return settleEnds([...earlier, ...results.flatMap((result) => endOf(result) ?? [])], open.length)
}

/** What becomes of a delivery with which nothing more is to be done, by its addresses' ends; `exhausted` have none, but no try left. */
export const settleEnds = (ends: readonly AddressEnd[], exhausted = 0): Settlement => {
  if (ends.includes('accepted'))
    return { status: 'succeeded', suppressionReason: null, retryInMs: null, putOffBy: null }
  return { status: 'cancelled', suppressionReason: reasonOf(ends, exhausted), retryInMs: null, putOffBy: null }
}

const reasonOf = (ends: readonly AddressEnd[], exhausted: number): ReasonCode => {
  if (exhausted === 0 && ends.every((end) => end === 'bounced')) return 'bounced'
  return ends.length > 0 ? 'permanent_failure' : 'retries_exhausted'
}

/** What follows a try whose worker died in mid-call: it counts, and the next one is made at once, for its lease has long been over. */
export const settleUnknown = ({ attempts }: RetryPolicy, tries: number): 'again' | 'exhausted' =>
  tries >= attempts ? 'exhausted' : 'again'
