import { type Ask, pass } from './rule.ts'

/** What asks for a digest is held where a rule says so, until its window is over. */
export const digest: Ask = (facts, now) => {
  if (facts.digest === null) return pass()
  if (facts.digest === 'no_rule') return pass({ no_digest_rule: true })
  const { windowStartsAt, windowEndsAt, ...seen } = facts.digest
  const told = { ...seen, windowStartsAt: windowStartsAt.toISOString(), windowEndsAt: windowEndsAt.toISOString() }
  return now < windowEndsAt ? { verdict: 'digest', reason: 'digest_rule', facts: told } : pass(told)
}
