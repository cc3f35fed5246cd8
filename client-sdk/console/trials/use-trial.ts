import { useState } from 'react'
import { type Notifier, useSession } from '../session.ts'

const textOf = (notifier: Notifier | undefined): string => JSON.stringify(notifier?.examplePayload ?? {}, null, 2)

/** The notifier that is tried, and the payload it is tried with: an example to begin with. */
export const useTrial = (key: string | undefined) => {
  const { notifiers } = useSession()
  const [notifier, setNotifier] = useState(notifiers.find((one) => one.key === key) ?? notifiers[0])
  const [payload, setPayload] = useState(textOf(notifier))
  return {
    notifier,
    payload,
    setPayload,
    choose(next: Notifier) {
      setNotifier(next)
      setPayload(textOf(next))
    },
    /** What is written as a payload; throws words for whoever wrote it. */
    readPayload(): unknown {
      try {
        return JSON.parse(payload)
      } catch (error) {
        throw new SyntaxError(`The payload is no JSON: ${(error as Error).message}`)
      }
    },
  }
}
