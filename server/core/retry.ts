/** How a delivery is tried again, in milliseconds. */
export interface RetryPolicy {
  /** How many tries in all. */
  readonly attempts: number
  readonly firstDelayMs: number
  readonly maxDelayMs: number
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 8, firstDelayMs: 15_000, maxDelayMs: 900_000 }

/** No provider can put a try off for longer than this. */
export const MAX_RETRY_AFTER_MS = 86_400_000

/**
 * How long to wait before the next try, in milliseconds; `null` where there is none left. Exponential backoff with full
 * jitter, so that deliveries which failed together do not come back together; never before the provider's own word.
 * `tries` counts the one that has just failed; `random` is in `[0, 1)`.
 */
export const retryDelayMs = (
  policy: RetryPolicy,
  {
    tries,
    retryAfterMs = 0,
    random,
  }: { readonly tries: number; readonly retryAfterMs?: number; readonly random: number },
): number | null => {
  if (tries >= policy.attempts) return null
  const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (tries - 1))
  return Math.max(Math.round(random * ceiling), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
}
