/*
 *   closed ──(failures go on)──► open ──(its rest is over)──► half open ──(a call succeeds)──► closed
 *                                  ▲                              │
 *                                  └──────────(it fails)──────────┘   each rest is twice the one before
 */

/** What is known of a provider that may be dead; instants are milliseconds of one clock. */
export interface Breaker {
  /** Failures since the last success. */
  readonly failures: number
  /** When the first of them was. */
  readonly failingSince: number
  /** Until when nothing is sent to it; `null` while it is closed. */
  readonly openUntil: number | null
  /** How often it was opened since the last success. */
  readonly opened: number
}

export const CLOSED: Breaker = { failures: 0, failingSince: 0, openUntil: null, opened: 0 }

/** A provider is taken for dead when so many calls in a row have failed, over so long: one bad burst is not enough. */
const FAILURES = 10
const FAILING_FOR_MS = 5_000
const FIRST_REST_MS = 10_000
const LONGEST_REST_MS = 120_000

/** Counts a call's end in. That it failed means that the provider gave no answer, or only put the caller off. */
export const countCall = (
  breaker: Breaker,
  { failed, now }: { readonly failed: boolean; readonly now: number },
): Breaker => {
  if (!failed) return CLOSED
  // Calls that had begun before it was opened say nothing new.
  if (breaker.openUntil !== null && now < breaker.openUntil) return breaker
  const failures = breaker.failures + 1
  const failingSince = breaker.failures === 0 ? now : breaker.failingSince
  const opens = breaker.openUntil !== null || (failures >= FAILURES && now - failingSince >= FAILING_FOR_MS)
  if (!opens) return { ...breaker, failures, failingSince }
  const rest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** breaker.opened)
  return { failures, failingSince, openUntil: now + rest, opened: breaker.opened + 1 }
}

/** Whether calls may be made: freely, one to try it out, or none. */
export const breakerState = ({ openUntil }: Breaker, now: number): 'closed' | 'half_open' | 'open' => {
  if (openUntil === null) return 'closed'
  return now >= openUntil ? 'half_open' : 'open'
}

/** How soon it is looked again whether the call that tries a provider out has been answered. */
const TRYING_OUT_MS = 1_000

/** How long a call must wait, in milliseconds, beside so many that are under way; `null` where it may be made now. */
export const restMs = (
  breaker: Breaker,
  { now, underWay }: { readonly now: number; readonly underWay: number },
): number | null => {
  switch (breakerState(breaker, now)) {
    case 'closed':
      return null
    case 'open':
      return (breaker.openUntil ?? now) - now
    case 'half_open':
      return underWay === 0 ? null : TRYING_OUT_MS
  }
}
