import { type Ask, pass, suppress } from './rule.ts'

/** A fallback channel is for those who have not read it elsewhere; so is a digest whose rule leaves out what was read. */
export const readState: Ask = ({ fallback, member, read }) => {
  const facts = { ...(fallback && { fallback: true }), ...(member?.excludeRead && { excludeRead: true }) }
  if (Object.keys(facts).length === 0) return pass()
  return read ? suppress('already_read', { ...facts, read }) : pass({ ...facts, read })
}
