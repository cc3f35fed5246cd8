import { type Ask, defer, pass } from './rule.ts'

/** A fallback channel waits for the notification to be read elsewhere. */
export const fallback: Ask = (facts, now) => {
  if (facts.fallback === null) return pass()
  if (facts.released) return pass({ released: 'operator' })
  const { until } = facts.fallback
  return until > now ? defer('fallback_delay', until, {}) : pass({ until: until.toISOString() })
}
