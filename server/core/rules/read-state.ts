import { type Ask, pass, suppress } from './rule.ts'

/** A fallback channel is for those who have not read it elsewhere. */
export const readState: Ask = ({ fallback, read }) => {
  if (fallback === null) return pass()
  const facts = { fallback: true, read }
  return read ? suppress('already_read', facts) : pass(facts)
}
