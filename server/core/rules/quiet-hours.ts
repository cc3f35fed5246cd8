import type { ZoneChoice } from '../plan-facts.ts'
import { freeAt, quietHoursFor } from '../quiet-hours.ts'
import { isTimeZone } from '../zoned-time.ts'
import { type Ask, defer, pass } from './rule.ts'

/** A zone may have been stored by a server that knew newer ones: it is better to be an hour off than not to decide. */
const knownZone = (zone: ZoneChoice): ZoneChoice & { readonly unknownZone?: string } =>
  isTimeZone(zone.timeZone) ? zone : { timeZone: 'UTC', zoneFrom: 'utc', unknownZone: zone.timeZone }

/** Not while the recipient wants to be left alone. */
export const quietHours: Ask = (facts, now) => {
  const windows = quietHoursFor(facts.quietHours, facts.channel)
  if (windows.length === 0) return pass()
  if (facts.urgent) return pass({ urgent: true })
  if (facts.released) return pass({ released: 'operator' })
  const zone = knownZone(facts.zone)
  const seen = { ...zone, windows }
  const until = freeAt(now, windows, zone.timeZone)
  return until > now ? defer('quiet_hours', until, seen) : pass(seen)
}
