import { SetupError } from '../errors.ts'
import type { DeliverResult } from './adapter.ts'

/** What an adapter may take where it does not say, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000

/** Refuses a `timeoutMs` that is no time: a timer would take it for one millisecond. */
export const checkTimeout = (kind: string, timeoutMs: number): void => {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 2 ** 31 - 1) return
  throw new SetupError(`${kind}: \`timeoutMs\` must be a positive whole number of milliseconds`)
}

/**
 * Runs one call to a provider, and answers `temporary` at once when the caller aborts it (`aborted`) or when it takes
 * longer than `timeoutMs` (`timed_out`), whether or not the call heeds the signal it is given.
 */
export const withinTime = (
  caller: AbortSignal,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<DeliverResult>,
): Promise<DeliverResult> => {
  if (caller.aborted) return Promise.resolve({ outcome: 'temporary', reason: 'aborted' })
  // Not AbortSignal.timeout: its timer outlives a call that was answered, for all of the limit.
  const controller = new AbortController()
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      caller.removeEventListener('abort', onAbort)
    }
    const giveUp = (reason: string): void => {
      end()
      resolve({ outcome: 'temporary', reason })
      controller.abort()
    }
    const onAbort = (): void => giveUp('aborted')
    const timer = setTimeout(giveUp, timeoutMs, 'timed_out')
    caller.addEventListener('abort', onAbort, { once: true })
    call(controller.signal).finally(end).then(resolve, reject)
  })
}
