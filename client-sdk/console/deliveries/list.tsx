import { type JSX, useState } from 'react'
import type { DeliveryRowFragment } from '../generated/operations.ts'
import { mayRetry } from '../state.ts'
import { BulkRetryBar } from './bulk-retry.tsx'
import { DeliveryLine } from './row.tsx'

/** Deliveries to read, and where some of them can be retried, to tick and retry together. */
export const DeliveryList = ({
  deliveries,
  onChanged,
  forOne = false,
}: {
  readonly deliveries: readonly DeliveryRowFragment[]
  readonly onChanged: () => void
  readonly forOne?: boolean
}): JSX.Element => {
  const [ticked, tick] = useState<ReadonlySet<string>>(new Set())
  const retryable = deliveries.filter(mayRetry)
  const chosen = retryable.filter(({ id }) => ticked.has(id))
  const all = retryable.length > 0 && chosen.length === retryable.length
  const toggle = (id: string): void => {
    const next = new Set(ticked)
    if (!next.delete(id)) next.add(id)
    tick(next)
  }
  return (
    <>
      {retryable.length > 0 ? (
        <label className="tick-all">
          <input
            type="checkbox"
            checked={all}
            onChange={() => tick(new Set(all ? [] : retryable.map(({ id }) => id)))}
          />
          All on this page that can be retried
        </label>
      ) : null}
      <BulkRetryBar
        chosen={chosen}
        onDone={() => {
          tick(new Set())
          onChanged()
        }}
      />
      <ol className="rows">
        {deliveries.map((delivery) => (
          <DeliveryLine
            key={delivery.id}
            delivery={delivery}
            summary={delivery.explanation.summary}
            forOne={forOne}
            before={
              retryable.length > 0 ? (
                <input
                  type="checkbox"
                  className="tick"
                  aria-label={`${delivery.notification.notificationKey} on ${delivery.channel} to ${delivery.notification.recipientId}`}
                  checked={ticked.has(delivery.id)}
                  disabled={!mayRetry(delivery)}
                  onChange={() => toggle(delivery.id)}
                />
              ) : null
            }
          />
        ))}
      </ol>
    </>
  )
}
