import type { JSX, ReactNode } from 'react'
import { DeliveryLine } from '../deliveries/row.tsx'
import { Fault } from '../fault.tsx'
import { type EventLineFragment, SearchDocument } from '../generated/operations.ts'
import { addressOf } from '../route.ts'
import { useSession } from '../session.ts'
import { useAnswer } from '../use-answer.ts'
import { When } from '../when.tsx'
import { counted } from '../wording.ts'

const Group = ({ title, children }: { readonly title: string; readonly children: ReactNode }): JSX.Element => (
  <section>
    <h2>{title}</h2>
    {children}
  </section>
)

const EventRow = ({ event }: { readonly event: EventLineFragment }): JSX.Element => (
  <li className="row">
    <div className="row-body">
      <p>
        <a className="row-name" href={addressOf('event', event.id)}>
          {event.notificationKey}
        </a>{' '}
        <span className="quiet">
          {event.status.toLowerCase()}, {counted(event.recipientCount, 'recipient')}
        </span>
      </p>
      <p className="row-why">
        <code>{event.idempotencyKey}</code>
      </p>
    </div>
    <span className="row-when">
      <When at={event.insertedAt} />
    </span>
  </li>
)

/** What a text may stand for, beside an id: each in a group of its own. */
export const ByText = ({ text }: { readonly text: string }): JSX.Element => {
  const { notifiers } = useSession()
  const { data, fault, loading, reload } = useAnswer(SearchDocument, { text, id: text })
  const named = notifiers.filter(({ key }) => key.includes(text.toLowerCase()))
  const events = data?.events.edges.map(({ node }) => node) ?? []
  const recipients = data?.recipients.edges.map(({ node }) => node) ?? []
  const deliveries = data?.deliveries.edges.map(({ node }) => node) ?? []
  const unknown = deliveries.length > 0 && !recipients.some(({ recipientId }) => recipientId === text)
  const nothing =
    data && !data.eventByIdempotencyKey && events.length + recipients.length + deliveries.length + named.length === 0
  return (
    <div aria-busy={loading} aria-live="polite">
      <Fault fault={fault} onRetry={reload} />
      {!data && loading ? <p className="quiet">Looking…</p> : null}
      {nothing ? (
        <p className="nothing">
          No recipient begins with it, and no idempotency key or correlation id is it. They are told apart by capitals.
        </p>
      ) : null}
      {recipients.length > 0 || unknown ? (
        <Group title="Recipients">
          <ul className="plain">
            {unknown ? (
              <li>
                <a href={addressOf('recipient', text)}>{text}</a>{' '}
                <span className="quiet">nothing stored about them</span>
              </li>
            ) : null}
            {recipients.map(({ id, recipientId, displayName }) => (
              <li key={id}>
                <a href={addressOf('recipient', recipientId)}>{recipientId}</a>{' '}
                <span className="quiet">{displayName}</span>
              </li>
            ))}
          </ul>
          {data?.recipients.pageInfo.hasNextPage ? <p className="quiet">and more: type more of the id</p> : null}
        </Group>
      ) : null}
      {deliveries.length > 0 ? (
        <Group title={`Latest deliveries to ${text}`}>
          <ol className="rows">
            {deliveries.map((delivery) => (
              <DeliveryLine key={delivery.id} delivery={delivery} summary={delivery.explanation.summary} />
            ))}
          </ol>
        </Group>
      ) : null}
      {data?.eventByIdempotencyKey ? (
        <Group title="The event with this idempotency key">
          <ol className="rows">
            <EventRow event={data.eventByIdempotencyKey} />
          </ol>
        </Group>
      ) : null}
      {events.length > 0 ? (
        <Group title="Events with this correlation id">
          <ol className="rows">
            {events.map((event) => (
              <EventRow key={event.id} event={event} />
            ))}
          </ol>
          <p>
            <a href={addressOf('deliveries', '', { correlation: text })}>All their deliveries</a>
          </p>
        </Group>
      ) : null}
      {named.length > 0 ? (
        <Group title="Notifications">
          <ul className="plain">
            {named.map(({ key, description }) => (
              <li key={key}>
                <a href={addressOf('deliveries', '', { key })}>{key}</a> <span className="quiet">{description}</span>
              </li>
            ))}
          </ul>
        </Group>
      ) : null}
    </div>
  )
}
