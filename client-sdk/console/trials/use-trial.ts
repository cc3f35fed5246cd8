import { type FormEvent, useState } from 'react'
import { type Notifier, useSession } from '../session.ts'

const textOf = (notifier: Notifier | undefined): string => JSON.stringify(notifier?.examplePayload ?? {}, null, 2)

/** What a trial is made with, beside what its form says. */
interface Tried {
  readonly notificationKey: string
  readonly payload: unknown
}

/** The notifier that is tried, the payload it is tried with, an example to begin with, and what came of it. */
export const useTrial = <Result>(
  key: string | undefined,
  /** Asks the server. */
  carryOut: (form: FormData, tried: Tried) => Promise<Result>,
) => {
  const { notifiers } = useSession()
  const [notifier, setNotifier] = useState(notifiers.find((one) => one.key === key) ?? notifiers[0])
  const [payload, setPayload] = useState(textOf(notifier))
  const [result, setResult] = useState<Result | null>(null)
  const [fault, setFault] = useState<unknown>(null)

  /** What is written as a payload; throws words for whoever wrote it. */
  const readPayload = (): unknown => {
    try {
      return JSON.parse(payload)
    } catch (error) {
      throw new SyntaxError(`The payload is no JSON: ${(error as Error).message}`)
    }
  }
  const attempt = async (form: FormData): Promise<void> => {
    setFault(null)
    try {
      setResult(await carryOut(form, { notificationKey: notifier?.key ?? '', payload: readPayload() }))
    } catch (error) {
      setResult(null)
      setFault(error)
    }
  }
  return {
    notifier,
    payload,
    setPayload,
    result,
    fault,
    choose(next: Notifier) {
      setNotifier(next)
      setPayload(textOf(next))
    },
    submit(event: FormEvent<HTMLFormElement>) {
      event.preventDefault()
      void attempt(new FormData(event.currentTarget))
    },
  }
}
