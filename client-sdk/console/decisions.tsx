import type { JSX } from 'react'
import type { DecisionMadeFragment } from './generated/operations.ts'
import { useSession } from './session.ts'
import { counted, inWords, nameInWords } from './wording.ts'

const VERDICTS = {
  PASS: 'let it pass',
  DEFER: 'put it off',
  DIGEST: 'held it for a digest',
  SUPPRESS: 'stopped it',
  CANCEL: 'cancelled it',
} as const

const CHECKPOINTS = { PLANNING: 'When it was planned', PERFORM: 'Just before it was handed over' } as const

const Rule = ({ decision }: { readonly decision: DecisionMadeFragment }): JSX.Element => {
  const { meaningOf } = useSession()
  const { rule, verdict, reason, facts } = decision
  const seen = inWords(facts)
  return (
    <li data-verdict={verdict}>
      <p>
        <strong>{nameInWords(rule)}</strong> {VERDICTS[verdict]}
        {reason ? `: ${meaningOf(reason) ?? reason}` : '.'}
      </p>
      {seen ? <p className="quiet">It saw {seen}</p> : null}
    </li>
  )
}

const Rules = ({ of }: { readonly of: readonly DecisionMadeFragment[] }): JSX.Element => (
  <ol className="rules">
    {of.map((decision) => (
      <Rule key={decision.rule} decision={decision} />
    ))}
  </ol>
)

/** What every rule said, and what it saw, by when it was asked: those that let it pass too, at a press. */
export const Decisions = ({ decisions }: { readonly decisions: readonly DecisionMadeFragment[] }): JSX.Element => {
  const asked = [...new Set(decisions.map(({ checkpoint, at }) => `${checkpoint} ${at}`))]
  return (
    <>
      {asked.map((one) => {
        const together = decisions.filter(({ checkpoint, at }) => `${checkpoint} ${at}` === one)
        const objected = together.filter(({ verdict }) => verdict !== 'PASS')
        const passed = together.filter(({ verdict }) => verdict === 'PASS')
        return (
          <section key={one}>
            <h3>{CHECKPOINTS[together[0]?.checkpoint ?? 'PLANNING']}</h3>
            {objected.length > 0 ? <Rules of={objected} /> : null}
            {passed.length > 0 ? (
              <details className="passed">
                <summary>
                  {counted(passed.length, 'rule')} let it pass: {passed.map(({ rule }) => nameInWords(rule)).join(', ')}
                </summary>
                <Rules of={passed} />
              </details>
            ) : null}
          </section>
        )
      })}
    </>
  )
}
