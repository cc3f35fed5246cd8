import { useRef, useState } from 'react'
import { faultWords, isRefused } from '../fault-words.ts'
import { type DeliveryStateFragment, RetryDeliveryDocument } from '../generated/operations.ts'
import { useSession } from '../session.ts'

/** So many are asked for at once: quick, and no burden to a server that has others to serve. */
const AT_ONCE = 4

export interface Failure {
  readonly delivery: DeliveryStateFragment
  readonly words: string
}

export interface BulkRetry {
  readonly total: number
  readonly done: number
  readonly failures: readonly Failure[]
  readonly running: boolean
}

const NOTHING: BulkRetry = { total: 0, done: 0, failures: [], running: false }

/**
 * Retries deliveries one request each, a few at a time, and tells how far that is and what failed. Each succeeds or fails
 * by itself. `stop` begins no more; those on their way are finished.
 */
export const useBulkRetry = (onDone: () => void) => {
  const { client, signOut } = useSession()
  const [progress, setProgress] = useState(NOTHING)
  const stopped = useRef(false)

  const retryOne = async (delivery: DeliveryStateFragment, reason: string): Promise<void> => {
    try {
      await client.request(RetryDeliveryDocument, { input: { deliveryId: delivery.id, reason } })
      setProgress((before) => ({ ...before, done: before.done + 1 }))
    } catch (fault) {
      if (isRefused(fault)) {
        stopped.current = true
        signOut(faultWords(fault))
        return
      }
      const failure = { delivery, words: faultWords(fault) }
      setProgress((before) => ({ ...before, done: before.done + 1, failures: [...before.failures, failure] }))
    }
  }

  const retry = async (deliveries: readonly DeliveryStateFragment[], reason: string): Promise<void> => {
    stopped.current = false
    setProgress({ total: deliveries.length, done: 0, failures: [], running: true })
    const waiting = [...deliveries]
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next && !stopped.current; next = waiting.shift()) await retryOne(next, reason)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    setProgress((before) => ({ ...before, running: false }))
    onDone()
  }

  return {
    progress,
    retry,
    stop: () => {
      stopped.current = true
    },
  }
}
