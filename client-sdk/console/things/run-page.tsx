import type { JSX } from 'react'
import { Absent } from '../absent.tsx'
import { DeliveryList } from '../deliveries/list.tsx'
import { Facts } from '../facts.tsx'
import { RunPageDocument } from '../generated/operations.ts'
import { Page } from '../page.tsx'
import { addressOf } from '../route.ts'
import { useAnswer } from '../use-answer.ts'
import { When } from '../when.tsx'
import { inWords, nameInWords } from '../wording.ts'

/** Where one notification stands in its workflow, and how it came there. */
export const RunPage = ({ id }: { readonly id: string }): JSX.Element => {
  const answer = useAnswer(RunPageDocument, { id })
  const { data, reload } = answer
  const run = data?.workflowRun
  if (!run) return <Absent title="Workflow run" what="run" answer={answer} />
  const { notification, waitingUntil, waitingForSignals } = run
  return (
    <Page title={`Run of ${run.workflowKey}`} lead={run.state.toLowerCase()}>
      <p className="summary">
        {run.currentStepKey ? `At step ${run.currentStepKey}: ` : ''}
        {nameInWords(run.statusReason)}.{' '}
        {waitingUntil ? (
          <>
            It waits until <When at={waitingUntil} exact />
            {waitingForSignals.length > 0 ? `, or for ${waitingForSignals.join(' or ')}` : ''}.
          </>
        ) : null}
      </p>
      <Facts
        of={{
          recipient: <a href={addressOf('recipient', notification.recipientId)}>{notification.recipientId}</a>,
          event: notification.event ? <a href={addressOf('event', notification.event.id)}>what caused it</a> : null,
          version: run.workflowVersion,
          began: <When at={run.startedAt} exact />,
          'last moved': <When at={run.lastTransitionAt} exact />,
          id: <code>{run.id}</code>,
        }}
      />
      <div className="two">
        <section>
          <h2>How it moved</h2>
          <ol className="timeline">
            {run.transitions.map((move) => (
              <li key={move.id} data-tone="off">
                <When at={move.insertedAt} exact />
                <div>
                  <p className="happening">
                    {move.fromState ? `${move.fromState.toLowerCase()} to ` : ''}
                    {move.toState.toLowerCase()}
                    {move.stepKey ? ` at ${move.stepKey}` : ''}
                  </p>
                  <p>{nameInWords(move.reason)}</p>
                  <p className="quiet">{inWords(move.context)}</p>
                  {move.delivery ? <a href={addressOf('delivery', move.delivery.id)}>See its delivery</a> : null}
                </div>
              </li>
            ))}
          </ol>
        </section>
        <section>
          <h2>Its deliveries</h2>
          <DeliveryList deliveries={notification.deliveries} onChanged={reload} />
        </section>
      </div>
    </Page>
  )
}
