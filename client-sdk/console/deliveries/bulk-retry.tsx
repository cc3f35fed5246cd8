import { type JSX, useState } from 'react'
import type { DeliveryStateFragment } from '../generated/operations.ts'
import { addressOf } from '../route.ts'
import { counted } from '../wording.ts'
import { useBulkRetry } from './use-bulk-retry.ts'

/** Retries what is ticked, with the operator's words; tells how far it is, and of each that could not be retried. */
export const BulkRetryBar = ({
  chosen,
  onDone,
}: {
  readonly chosen: readonly DeliveryStateFragment[]
  readonly onDone: () => void
}): JSX.Element | null => {
  const { progress, retry, stop } = useBulkRetry(onDone)
  const [reason, setReason] = useState('')
  const { total, done, failures, running } = progress
  if (chosen.length === 0 && total === 0) return null
  return (
    <section className="bulk" aria-label="Retry what is ticked">
      {chosen.length > 0 && !running ? (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void retry(chosen, reason)
          }}
        >
          <label>
            Why, for the record
            <input value={reason} onChange={({ target }) => setReason(target.value)} required maxLength={500} />
          </label>
          <button type="submit" className="primary">
            Retry {counted(chosen.length, 'delivery', 'deliveries')}
          </button>
        </form>
      ) : null}
      {total > 0 ? (
        <>
          <p role="status">
            {running ? 'Retrying: ' : 'Retried: '}
            {done - failures.length} of {total}
            {failures.length > 0 ? `, and ${failures.length} could not be` : ''}.
          </p>
          <progress max={total} value={done} aria-label="How far it is" />
          {running ? (
            <button type="button" onClick={stop}>
              Stop
            </button>
          ) : null}
        </>
      ) : null}
      {failures.length > 0 ? (
        <ul className="failures">
          {failures.map(({ delivery, words }) => (
            <li key={delivery.id}>
              <a href={addressOf('delivery', delivery.id)}>
                {delivery.notification.notificationKey} to {delivery.notification.recipientId}
              </a>
              : {words}
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  )
}
