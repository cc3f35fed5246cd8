import { type Ask, pass } from './rule.ts'

/** What nobody wants any more is not sent. */
export const expiry: Ask = ({ expiresAt }, now) => {
  if (expiresAt === null) return pass()
  const facts = { expiresAt: expiresAt.toISOString() }
  return now >= expiresAt ? { verdict: 'cancel', reason: 'expired', facts } : pass(facts)
}
