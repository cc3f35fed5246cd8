import { useCallback, useEffect, useRef, useState } from 'react'
import { isRefused } from '../fault-words.ts'
import { type DeliveryFilter, type DeliveryStateFragment, DeliveryTailDocument } from '../generated/operations.ts'
import { useSession } from '../session.ts'

/** So many are kept to look at; what is older falls off. */
const KEPT = 200

export interface Change {
  readonly number: number
  readonly delivery: DeliveryStateFragment
}

interface Tail {
  readonly changes: readonly Change[]
  /** What came while it stood still, newest first. */
  readonly held: readonly Change[]
}

/** Deliveries as they change, newest first. While it stands still, what comes is held, and shows when it goes on. */
export const useTail = (filter: DeliveryFilter, paused: boolean) => {
  const { client, signOut } = useSession()
  const [tail, setTail] = useState<Tail>({ changes: [], held: [] })
  const [fault, setFault] = useState<unknown>(null)
  const still = useRef(paused)
  still.current = paused
  const asked = JSON.stringify(filter)

  useEffect(() => {
    let number = 0
    const changes = client.subscribe(DeliveryTailDocument, { filter: JSON.parse(asked) as DeliveryFilter })
    const follow = async (): Promise<void> => {
      for await (const { deliveryUpdates: delivery } of changes) {
        number += 1
        const change = { number, delivery }
        setTail(({ changes, held }) =>
          still.current
            ? { changes, held: [change, ...held].slice(0, KEPT) }
            : { changes: [change, ...held, ...changes].slice(0, KEPT), held: [] },
        )
      }
    }
    setTail({ changes: [], held: [] })
    setFault(null)
    follow().catch((error: unknown) => {
      if (isRefused(error)) signOut('This key is not valid any more: it was revoked. Sign in with another one.')
      else setFault(error)
    })
    return () => void changes.return?.()
  }, [client, signOut, asked])

  const release = useCallback(
    () => setTail(({ changes, held }) => ({ changes: [...held, ...changes].slice(0, KEPT), held: [] })),
    [],
  )
  return { ...tail, fault, release, clear: () => setTail({ changes: [], held: [] }) }
}
