import { type FormEvent, type JSX, useEffect, useRef, useState } from 'react'
import type { TypedDocument } from '../../typed-document.ts'
import { Fault } from '../fault.tsx'
import {
  CancelDeliveryDocument,
  ResumeDeliveryDocument,
  RetryDeliveryDocument,
  type RetryDeliveryMutationVariables,
} from '../generated/operations.ts'
import { useSession } from '../session.ts'
import { mayCancel, mayResume, mayRetry, type State } from '../state.ts'

const ACTIONS = {
  retry: {
    may: mayRetry,
    name: 'Retry',
    says: 'It is tried again at once, past quiet hours and fallback delays. The recipient may get it.',
    done: 'It is on its way again.',
    document: RetryDeliveryDocument,
  },
  resume: {
    may: mayResume,
    name: 'Send now',
    says: 'It does not wait any longer for quiet hours, a fallback delay or its digest. The other rules still hold.',
    done: 'It goes on now.',
    document: ResumeDeliveryDocument,
  },
  cancel: {
    may: mayCancel,
    name: 'Cancel',
    says: 'It is not sent, and does not go on by itself.',
    done: 'It is cancelled.',
    document: CancelDeliveryDocument,
  },
} as const
type Action = keyof typeof ACTIONS

/** What can be done about a delivery; each is asked for twice, the second time with the operator's own words. */
export const Actions = ({
  delivery,
  onDone,
}: {
  readonly delivery: State & { readonly id: string }
  readonly onDone: () => void
}): JSX.Element | null => {
  const { client } = useSession()
  const [asked, ask] = useState<Action | null>(null)
  const [reason, setReason] = useState('')
  const [fault, setFault] = useState<unknown>(null)
  const [told, tell] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const possible = (Object.keys(ACTIONS) as Action[]).filter((action) => ACTIONS[action].may(delivery))

  useEffect(() => {
    if (asked !== null) input.current?.focus()
  }, [asked])

  const act = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (asked === null) return
    setFault(null)
    try {
      await client.request(ACTIONS[asked].document as TypedDocument<unknown, RetryDeliveryMutationVariables>, {
        input: { deliveryId: delivery.id, reason },
      })
      tell(ACTIONS[asked].done)
      ask(null)
      setReason('')
    } catch (error) {
      setFault(error)
    }
    onDone()
  }

  return (
    <div className="actions">
      <p role="status">{told}</p>
      {asked === null ? (
        possible.map((action) => (
          <button
            key={action}
            type="button"
            onClick={() => {
              tell('')
              ask(action)
            }}
          >
            {ACTIONS[action].name}…
          </button>
        ))
      ) : (
        <form onSubmit={(event) => void act(event)} aria-label={ACTIONS[asked].name}>
          <p>{ACTIONS[asked].says}</p>
          <label>
            Why, for the record
            <input
              ref={input}
              value={reason}
              onChange={({ target }) => setReason(target.value)}
              required
              maxLength={500}
            />
          </label>
          <button type="submit" className="primary">
            {ACTIONS[asked].name} it
          </button>
          <button type="button" onClick={() => ask(null)}>
            Leave it
          </button>
        </form>
      )}
      <Fault fault={fault} />
    </div>
  )
}
