import { type JSX, useEffect, useState } from 'react'
import type { CarillonClient } from '../client.ts'
import type { DeliveryStatus } from '../generated/operations.ts'
import { TypedDocumentString } from '../generated/operations.ts'
import { news } from './news.ts'

interface Told {
  readonly id: string
  readonly channel: string
  readonly status: DeliveryStatus
  readonly notification: { readonly recipientId: string }
  readonly explanation: {
    readonly summary: string
    readonly whatWouldSendIt: readonly { readonly description: string }[]
    readonly timeline: readonly { readonly at: string; readonly event: string }[]
  }
}

const WHY = new TypedDocumentString<
  { readonly deliveries: { readonly edges: readonly { readonly node: Told }[] } },
  { readonly eventId: string }
>(`query Why($eventId: ID!) {
  deliveries(filter: { eventId: $eventId }, first: 20) {
    edges { node { id channel status notification { recipientId }
      explanation { summary whatWouldSendIt { description } timeline { at event } } } }
  }
}`)

/** How often, and how many times, what is under way is looked at again. */
const AGAIN_MS = 700
const TIMES = 12
const UNDER_WAY: ReadonlySet<DeliveryStatus> = new Set(['PENDING', 'DISPATCHED', 'FAILED'])

/** What became of the last event, delivery by delivery, and why: as Carillon explains it. */
export const Explanations = ({
  client,
  people,
}: {
  readonly client: CarillonClient
  readonly people: readonly { readonly id: string; readonly name: string }[]
}): JSX.Element => {
  const [deliveries, setDeliveries] = useState<readonly Told[] | null>(null)

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async (eventId: string, times: number): Promise<void> => {
      clearTimeout(timer)
      const found = await client.request(WHY, { eventId }).catch(() => null)
      if (!found) return
      const told = found.deliveries.edges.map(({ node }) => node)
      setDeliveries(told)
      if (times > 0 && (told.length === 0 || told.some(({ status }) => UNDER_WAY.has(status)))) {
        timer = setTimeout(() => void look(eventId, times - 1), AGAIN_MS)
      }
    }
    const hear = (event: Event): void => void look((event as CustomEvent<string>).detail, TIMES)
    news.addEventListener('triggered', hear)
    return () => {
      news.removeEventListener('triggered', hear)
      clearTimeout(timer)
    }
  }, [client])

  const nameOf = (recipientId: string): string => people.find(({ id }) => id === recipientId)?.name ?? recipientId
  return (
    <section className="card" aria-live="polite">
      <h2>What became of it, and why</h2>
      {deliveries === null ? <p className="hint">Press Trigger: every delivery is explained here.</p> : null}
      <ul className="why">
        {deliveries?.map(({ id, channel, status, notification, explanation }) => (
          <li key={id}>
            <p>
              <strong>{nameOf(notification.recipientId)}</strong> · {channel}{' '}
              <span className="status" data-status={status}>
                {status.toLowerCase()}
              </span>
            </p>
            <p>{explanation.summary}</p>
            {explanation.whatWouldSendIt.map(({ description }) => (
              <p key={description} className="hint">
                What would have sent it: {description}
              </p>
            ))}
            <details>
              <summary>Timeline</summary>
              <ol>
                {explanation.timeline.map(({ at, event }, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: the same may happen twice at an instant, in this order.
                  <li key={`${at} ${index}`}>
                    <time dateTime={at}>{new Date(at).toLocaleTimeString()}</time> {event.replaceAll('_', ' ')}
                  </li>
                ))}
              </ol>
            </details>
          </li>
        ))}
      </ul>
    </section>
  )
}
