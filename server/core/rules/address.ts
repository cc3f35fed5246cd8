import { type Ask, pass, suppress } from './rule.ts'

/** A channel that needs an address has one that takes messages. */
export const address: Ask = ({ addresses: { needed, usable, bounced } }) => {
  if (!needed) return pass({ needed: false })
  const facts = { needed: true, addresses: usable, ...(bounced > 0 && { bounced }) }
  if (usable > 0) return pass(facts)
  return suppress(bounced > 0 ? 'address_bounced' : 'missing_address', facts)
}
