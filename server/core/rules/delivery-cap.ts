import { isCappedBy, usageOf } from '../delivery-cap.ts'
import { type Ask, pass, suppress } from './rule.ts'

/** No more in a window than the recipient wants. Those that an earlier delivery has used up hold a later one, never itself. */
export const deliveryCap: Ask = (facts, now) => {
  if (facts.required) return pass({ required: true })
  const concerned = facts.caps.filter(({ cap }) => isCappedBy(cap, facts))
  if (concerned.length === 0) return pass()
  const caps = concerned.map((counted) => {
    const { count, freesAt } = usageOf(counted, now)
    return { ...counted.cap, count, ...(freesAt && { freesAt: freesAt.toISOString() }) }
  })
  return caps.some(({ count, limit }) => count >= limit) ? suppress('delivery_cap_reached', { caps }) : pass({ caps })
}
