import type { JSX } from 'react'
import type { DecisionMadeFragment } from './generated/operations.ts'
import { useSession } from './session.ts'
import { inWords, nameInWords } from './wording.ts'

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

/** What every rule said, and what it saw, by when it was asked: those that let it pass too. */
export const Decisions = ({ decisions }: { readonly decisions: readonly DecisionMadeFragment[] }): JSX.Element => {
  const asked = [...new Set(decisions.map(({ checkpoint, at }) => `${checkpoint} ${at}`))]
  return (
    <>
      {asked.map((one) => {
        const together = decisions.filter(({ checkpoint, at }) => `${checkpoint} ${at}` === one)
        const checkpoint = together[0]?.checkpoint ?? 'PLANNING'
        return (
          <section key={one}>
            <h3>{CHECKPOINTS[checkpoint]}</h3>
            <ol className="rules">
              {together.map((decision) => (
                <Rule key={decision.rule} decision={decision} />
              ))}
            </ol>
          </section>
        )
      })}
    </>
  )
}
