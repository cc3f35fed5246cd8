import { type FormEvent, type JSX, useState } from 'react'
import { Fault } from '../fault.tsx'
import {
  WhyRecipientDocument,
  type WhyRecipientQuery,
  type WhyRecipientQueryVariables,
} from '../generated/operations.ts'
import { SPANS, type Span, sinceOf, spanOf } from '../instants.ts'
import { addressOf } from '../route.ts'
import { useSession } from '../session.ts'
import { StateMark } from '../state-mark.tsx'
import { useAnswer } from '../use-answer.ts'

/** So many are shown at once; the others at a press. */
const SHOWN = 5

type Explained = WhyRecipientQuery['explainRecipient']['explanations'][number]

const Explanations = ({ of }: { readonly of: readonly Explained[] }): JSX.Element => (
  <ol className="rows">
    {of.map((one) => (
      <li className="row" key={one.deliveryId}>
        <StateMark state={one} />
        <div className="row-body">
          <a className="row-name" href={addressOf('delivery', one.deliveryId)}>
            <span className="on">on</span> {one.channel}
          </a>
          <p className="row-why">{one.summary}</p>
        </div>
      </li>
    ))}
  </ol>
)

/** Why did this person get, or not get, something? Answers even where nothing was ever made for them. */
export const Why = ({ recipientId }: { readonly recipientId: string }): JSX.Element => {
  const { notifiers } = useSession()
  const [asked, ask] = useState<WhyRecipientQueryVariables | null>(null)
  const { data, fault, loading, reload } = useAnswer(WhyRecipientDocument, asked)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    const since = String(given.get('since'))
    const span: Span | null = since === 'all' ? null : spanOf(since, '7d')
    ask({
      recipientId,
      notificationKey: String(given.get('key')),
      since: span === null ? null : sinceOf(span),
    })
  }
  const answer = data?.explainRecipient
  return (
    <section>
      <h2>Why did they get it, or not?</h2>
      <form className="filters" onSubmit={submit}>
        <label>
          Notification
          <select name="key">
            {notifiers.map(({ key }) => (
              <option key={key}>{key}</option>
            ))}
          </select>
        </label>
        <label>
          Since
          <select name="since" defaultValue="7d">
            {Object.entries(SPANS).map(([value, { words }]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
            <option value="all">the beginning</option>
          </select>
        </label>
        <button type="submit">Ask why</button>
      </form>
      <Fault fault={fault} onRetry={reload} />
      <div aria-live="polite" aria-busy={loading}>
        {answer ? (
          <>
            <p className="summary">{answer.summary}</p>
            <Explanations of={answer.explanations.slice(0, SHOWN)} />
            {answer.explanations.length > SHOWN ? (
              <details>
                <summary>{answer.explanations.length - SHOWN} more</summary>
                <Explanations of={answer.explanations.slice(SHOWN)} />
              </details>
            ) : null}
          </>
        ) : null}
      </div>
    </section>
  )
}
