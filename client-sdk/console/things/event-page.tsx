import { type JSX, useState } from 'react'
import { Absent } from '../absent.tsx'
import { DeliveryList } from '../deliveries/list.tsx'
import { Facts } from '../facts.tsx'
import { Fault } from '../fault.tsx'
import { EventPageDocument } from '../generated/operations.ts'
import { Json } from '../json.tsx'
import { Page } from '../page.tsx'
import { addressOf } from '../route.ts'
import { useAnswer } from '../use-answer.ts'
import { When } from '../when.tsx'
import { counted } from '../wording.ts'

/** One event: what caused it, its payload as the API gives it, and every delivery it led to. */
export const EventPage = ({ id }: { readonly id: string }): JSX.Element => {
  const [after, setAfter] = useState<string | null>(null)
  const answer = useAnswer(EventPageDocument, { id, after })
  const { data, fault, loading, reload } = answer
  const event = data?.event
  if (!event) return <Absent title="Event" what="event" answer={answer} />
  const { deliveries, recipientCount, plannedRecipientCount, failedRecipientCount } = event
  return (
    <Page title={`Event ${event.notificationKey}`} lead={event.status.toLowerCase()}>
      <p className="summary">
        {counted(recipientCount, 'recipient')}, {plannedRecipientCount.toLocaleString('en')} planned
        {failedRecipientCount > 0 ? `, ${failedRecipientCount.toLocaleString('en')} could not be` : ''}.
      </p>
      <Fault fault={fault} onRetry={reload} />
      <div className="two">
        <section aria-busy={loading}>
          <h2>Deliveries</h2>
          <DeliveryList deliveries={deliveries.edges.map(({ node }) => node)} onChanged={reload} />
          {deliveries.edges.length === 0 ? <p className="nothing">None so far.</p> : null}
          {after !== null ? (
            <button type="button" onClick={() => setAfter(null)}>
              Newest
            </button>
          ) : null}
          {deliveries.pageInfo.hasNextPage ? (
            <button type="button" onClick={() => setAfter(deliveries.pageInfo.endCursor)}>
              Older
            </button>
          ) : null}
          <p>
            <a href={addressOf('deliveries', '', { event: event.id })}>Narrow them down</a>
          </p>
        </section>
        <div>
          <section>
            <h2>About it</h2>
            <Facts
              of={{
                'idempotency key': <code>{event.idempotencyKey}</code>,
                'correlation id': event.correlationId ? (
                  <a href={addressOf('search', '', { q: event.correlationId })}>{event.correlationId}</a>
                ) : null,
                'caused by': event.actorId ? <a href={addressOf('recipient', event.actorId)}>{event.actorId}</a> : null,
                'made by': event.isDigest ? 'a digest' : null,
                'notifier’s version': event.notificationVersion,
                accepted: <When at={event.insertedAt} exact />,
                'to be planned': event.sendAt ? <When at={event.sendAt} exact /> : null,
                expires: event.expiresAt ? <When at={event.expiresAt} exact /> : null,
                id: <code>{event.id}</code>,
              }}
            />
          </section>
          <section>
            <h2>Payload</h2>
            <Json value={event.payload} />
          </section>
        </div>
      </div>
    </Page>
  )
}
