import type { JSX } from 'react'
import { Decisions } from '../decisions.tsx'
import type { SimulateQuery } from '../generated/operations.ts'
import { Mark, type Tone } from '../mark.tsx'
import { addressOf } from '../route.ts'
import { When } from '../when.tsx'
import { counted } from '../wording.ts'

type Simulation = SimulateQuery['simulateTrigger']
type Verdict = Simulation['recipients'][number]['deliveries'][number]['verdict']

const VERDICTS = {
  PASS: { words: 'would be sent', tone: 'good' },
  DEFER: { words: 'would be put off', tone: 'wait' },
  DIGEST: { words: 'would be held for a digest', tone: 'wait' },
  SUPPRESS: { words: 'would be suppressed', tone: 'off' },
  CANCEL: { words: 'would be cancelled', tone: 'bad' },
} as const satisfies Record<Verdict, { readonly words: string; readonly tone: Tone }>

/** What would become of each recipient, channel by channel, and what every rule says. */
export const Simulated = ({ simulation }: { readonly simulation: Simulation }): JSX.Element => {
  const { at, recipients, recipientCount } = simulation
  return (
    <>
      <h2>
        {counted(recipientCount, 'recipient')} at <When at={at} exact />
      </h2>
      {recipients.length < recipientCount ? <p className="quiet">The first {recipients.length} of them.</p> : null}
      {recipientCount === 0 ? <p className="nothing">Nobody would be told: add recipients or topics.</p> : null}
      {recipients.map(({ recipientId, deliveries }) => (
        <section key={recipientId} className="simulated">
          <h3>
            <a href={addressOf('recipient', recipientId)}>{recipientId}</a>
          </h3>
          <ul className="plain">
            {deliveries.map(({ channel, stepKey, verdict, summary, decisions }) => (
              <li key={`${channel} ${stepKey}`}>
                <p>
                  <strong>{channel}</strong> <Mark tone={VERDICTS[verdict].tone}>{VERDICTS[verdict].words}</Mark>{' '}
                  {stepKey ? <span className="quiet">at step {stepKey}</span> : null}
                </p>
                <p>{summary}</p>
                <details>
                  <summary>
                    Every rule
                    <span className="unseen">
                      {' '}
                      for {recipientId} on {channel}
                    </span>
                  </summary>
                  <Decisions decisions={decisions} />
                </details>
              </li>
            ))}
            {deliveries.length === 0 ? <li className="nothing">On no channel.</li> : null}
          </ul>
        </section>
      ))}
    </>
  )
}
