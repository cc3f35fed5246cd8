import type { JSX } from 'react'
import { Absent } from '../absent.tsx'
import { Decisions } from '../decisions.tsx'
import { Facts } from '../facts.tsx'
import { Fault } from '../fault.tsx'
import { StoryDocument } from '../generated/operations.ts'
import { Page } from '../page.tsx'
import { addressOf } from '../route.ts'
import { useSession } from '../session.ts'
import { StateMark } from '../state-mark.tsx'
import { useAnswer } from '../use-answer.ts'
import { When } from '../when.tsx'
import { Actions } from './actions.tsx'
import { Attempts } from './attempts.tsx'
import { DigestPart } from './digest.tsx'
import { Next } from './next.tsx'
import { Timeline } from './timeline.tsx'

/** What is under way is looked at again as often. */
const AGAIN_MS = 5_000

/** A delivery's whole story: in a sentence, then what happened and why, what comes next, and what can be done. */
export const DeliveryPage = ({ id }: { readonly id: string }): JSX.Element => {
  const { meaningOf } = useSession()
  const answer = useAnswer(StoryDocument, { id }, { everyMs: AGAIN_MS })
  const { data, fault, reload } = answer
  const delivery = data?.delivery
  const story = data?.explainDelivery
  if (!delivery || !story) return <Absent title="Delivery" what="delivery" answer={answer} />
  const { channel, stepKey, notification, attempts } = delivery
  const run = story.workflowRun
  return (
    <Page title={`${notification.notificationKey} on ${channel}`} lead={<StateMark state={delivery} />}>
      <p className="summary">{story.summary}</p>
      <Next delivery={delivery} meaningOf={meaningOf} />
      <Actions delivery={delivery} onDone={reload} />
      <Fault fault={fault} onRetry={reload} />
      {story.whatWouldSendIt.length > 0 ? (
        <section>
          <h2>What would have sent it</h2>
          <ul>
            {story.whatWouldSendIt.map(({ description }) => (
              <li key={description}>{description}</li>
            ))}
          </ul>
        </section>
      ) : null}
      <div className="two">
        <section>
          <h2>What happened</h2>
          <Timeline entries={story.timeline} />
        </section>
        <div>
          <section>
            <h2>About it</h2>
            <Facts
              of={{
                recipient: <a href={addressOf('recipient', notification.recipientId)}>{notification.recipientId}</a>,
                event: <a href={addressOf('event', story.eventId)}>what caused it</a>,
                'its other channels': (
                  <a href={addressOf('deliveries', '', { notification: notification.id })}>the same notification</a>
                ),
                'correlation id': story.correlationId ? (
                  <a href={addressOf('search', '', { q: story.correlationId })}>{story.correlationId}</a>
                ) : null,
                workflow: run ? (
                  <a href={addressOf('run', run.id)}>
                    {run.workflowKey}, {run.state.toLowerCase()}
                  </a>
                ) : null,
                step: stepKey,
                template: story.renderKey ? `${story.renderKey}, version ${story.renderVersion}` : null,
                planned: <When at={delivery.insertedAt} exact />,
                id: <code>{delivery.id}</code>,
              }}
            />
          </section>
          {story.digest ? <DigestPart digest={story.digest} /> : null}
          {attempts.length > 0 ? (
            <section>
              <h2>Calls of the provider</h2>
              <Attempts attempts={attempts} />
            </section>
          ) : null}
        </div>
      </div>
      <section>
        <h2>What every rule said</h2>
        <Decisions decisions={story.decisions} />
      </section>
    </Page>
  )
}
