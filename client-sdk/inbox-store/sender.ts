import { CarillonClientError } from '../error.ts'
import type { InboxChangeFragment } from '../generated/operations.ts'
import { actionOf, type InboxMarks } from './action.ts'
import type { Mark } from './mark.ts'

/*
 * A mark is one of
 *
 *   queued ──its turn──► sent ──answered──► done
 *                         │ └──refused──► taken back
 *                         └──no answer──► waiting ──backoff, or a sign of life──► sent
 *
 * one at a time and in order: two requests may overtake each other, and read must not come after unread.
 */

export interface Sender {
  /** Rejects with what the server refused it for. As long as the server cannot be reached, it waits. */
  send(mark: Mark): Promise<InboxChangeFragment>
  /** There is reason to believe that the server can be reached. */
  wake(): void
  /** Rejects whatever waits. */
  close(): void
}

const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000

/** No answer, or one that asks to come back: nothing was refused. Marks are idempotent, so they may be repeated. */
const PASSING: ReadonlySet<CarillonClientError['code']> = new Set([
  'NETWORK_ERROR',
  'TOKEN_FAILED',
  'UNAVAILABLE',
  'RATE_LIMITED',
])

const passing = (error: unknown): error is CarillonClientError =>
  error instanceof CarillonClientError && PASSING.has(error.code)

export const createSender = (
  client: InboxMarks,
  {
    recipientId,
    onSent,
    firstRetryMs = FIRST_RETRY_MS,
  }: {
    readonly recipientId: string | null
    readonly onSent: (mark: Mark) => void
    readonly firstRetryMs?: number | undefined
  },
): Sender => {
  let last: Promise<unknown> = Promise.resolve()
  let wakeUp: (() => void) | null = null
  let closed = false

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => wakeUp?.(), ms)
      wakeUp = () => {
        clearTimeout(timer)
        wakeUp = null
        resolve()
      }
    })

  const sendNow = async (mark: Mark): Promise<InboxChangeFragment> => {
    for (let failures = 0; ; failures += 1) {
      if (closed) throw new CarillonClientError('CLIENT_CLOSED', 'The inbox store was closed before this was sent')
      onSent(mark)
      try {
        const { method } = actionOf(mark.action)
        if (method !== 'snooze') return await client[method]({ recipientId, ...mark.selection })
        const { ids } = mark.selection as { readonly ids: readonly string[] }
        return await client.snooze({ recipientId, ids, until: mark.until ?? mark.at })
      } catch (error) {
        if (!passing(error)) throw error
        const asked = (error.retryAfterSeconds ?? 0) * 1_000
        const backoff = Math.min(MAX_RETRY_MS, firstRetryMs * 2 ** failures) * (0.5 + Math.random() / 2)
        await pause(Math.max(asked, backoff))
      }
    }
  }

  return {
    send(mark) {
      const sent = last.then(() => sendNow(mark))
      last = sent.catch(() => {})
      return sent
    },
    wake: () => wakeUp?.(),
    close() {
      closed = true
      wakeUp?.()
    },
  }
}
