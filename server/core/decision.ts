import type { ReasonCode } from './reasons.ts'

/** When the planner is asked: when a delivery is made, and once more just before it is handed over. */
export const CHECKPOINTS = ['planning', 'perform'] as const
export type Checkpoint = (typeof CHECKPOINTS)[number]

/** What a rule may say; the API's names in capitals. */
export const VERDICTS = ['pass', 'suppress', 'defer', 'digest', 'cancel'] as const
export type Verdict = (typeof VERDICTS)[number]

const AFTER_PLANNING = {
  pass: 'pending',
  defer: 'pending',
  digest: 'pending',
  suppress: 'suppressed',
  cancel: 'cancelled',
} as const

/** What a verdict makes of a delivery: one that passes just before it is handed over is. */
export const statusAfter = (
  checkpoint: Checkpoint,
  verdict: Verdict,
): 'dispatched' | (typeof AFTER_PLANNING)[Verdict] =>
  checkpoint === 'perform' && verdict === 'pass' ? 'dispatched' : AFTER_PLANNING[verdict]

/** One rule's answer, kept as it is with what the rule saw. One that defers has the instant `until` among its facts. */
export interface RuleAnswer {
  readonly rule: string
  readonly verdict: Verdict
  readonly reason: ReasonCode | null
  readonly facts: Readonly<Record<string, unknown>>
}

/** What all answers come to. */
export interface Result {
  readonly verdict: Verdict
  readonly reason: ReasonCode | null
  /** When a deferred one may go on. */
  readonly nextEligibleAt: Date | null
  /** The answer that decided; `null` where all let it pass. */
  readonly decidedBy: RuleAnswer | null
}

const untilOf = ({ facts }: RuleAnswer): number => Date.parse(facts.until as string)

const PASS: Result = { verdict: 'pass', reason: null, nextEligibleAt: null, decidedBy: null }

/** The first that cancels or suppresses decides, in the order in which they were asked; else a digest; else the latest deferral. */
export const resultOf = (answers: readonly RuleAnswer[]): Result => {
  let held: RuleAnswer | null = null
  let deferred: RuleAnswer | null = null
  for (const answer of answers) {
    const { verdict, reason } = answer
    if (verdict === 'cancel' || verdict === 'suppress')
      return { verdict, reason, nextEligibleAt: null, decidedBy: answer }
    if (verdict === 'digest') held ??= answer
    if (verdict === 'defer' && (!deferred || untilOf(answer) > untilOf(deferred))) deferred = answer
  }
  if (held) return { verdict: 'digest', reason: held.reason, nextEligibleAt: null, decidedBy: held }
  if (!deferred) return PASS
  return {
    verdict: 'defer',
    reason: deferred.reason,
    nextEligibleAt: new Date(untilOf(deferred)),
    decidedBy: deferred,
  }
}

/** What of a decision keeps a delivery waiting, for its explanation: the rule that decided, and what it saw. */
export const planningContextOf = ({ decidedBy }: Result): Readonly<Record<string, unknown>> | null =>
  decidedBy ? { rule: decidedBy.rule, ruleIdentity: decidedBy.rule, ...decidedBy.facts } : null

const hasFacts = ({ facts }: RuleAnswer): boolean => Object.keys(facts).length > 0

/** How answers are stored: a rule that has no reason or saw nothing does not say so, for there is one of these for every delivery. */
export const storedAnswers = (answers: readonly RuleAnswer[]): string =>
  JSON.stringify(
    answers.map((answer) => ({
      rule: answer.rule,
      verdict: answer.verdict,
      ...(answer.reason !== null && { reason: answer.reason }),
      ...(hasFacts(answer) && { facts: answer.facts }),
    })),
  )

/** Stored answers as they were given. */
export const readAnswers = (stored: unknown): readonly RuleAnswer[] =>
  (stored as readonly (Pick<RuleAnswer, 'rule' | 'verdict'> & Partial<RuleAnswer>)[]).map((answer) => ({
    rule: answer.rule,
    verdict: answer.verdict,
    reason: answer.reason ?? null,
    facts: answer.facts ?? {},
  }))
