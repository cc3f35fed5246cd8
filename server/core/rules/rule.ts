import type { RuleAnswer } from '../decision.ts'
import type { PlanFacts } from '../plan-facts.ts'
import type { ReasonCode } from '../reasons.ts'

/** What a rule says; the planner adds its name. */
export type Answer = Omit<RuleAnswer, 'rule'>

/** One question to the facts of one delivery, at an instant. */
export type Ask = (facts: PlanFacts, now: Date) => Answer

export const pass = (facts: RuleAnswer['facts'] = {}): Answer => ({ verdict: 'pass', reason: null, facts })

export const suppress = (reason: ReasonCode, facts: RuleAnswer['facts']): Answer => ({
  verdict: 'suppress',
  reason,
  facts,
})

/** Facts hold instants as text: they are stored as JSON, and read back as they were. */
export const defer = (reason: ReasonCode, until: Date, facts: RuleAnswer['facts']): Answer => ({
  verdict: 'defer',
  reason,
  facts: { ...facts, until: until.toISOString() },
})
