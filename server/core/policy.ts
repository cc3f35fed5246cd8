import type { InputPath } from '../errors.ts'
import type { DeliveryCap } from './delivery-cap.ts'
import { type InputFault, idFault } from './json-limits.ts'
import { type QuietHours, quietHoursFault } from './quiet-hours.ts'
import { isTimeZone } from './zoned-time.ts'

/** When a recipient may be told, and how often. */
export interface PolicySettings {
  /** IANA name of the zone that the quiet hours are in; where null the recipient's own, else the server's. */
  readonly timeZone: string | null
  readonly quietHours: readonly QuietHours[]
  readonly caps: readonly DeliveryCap[]
}

/** The settings of a recipient that never gave any: told at all hours, as often as something happens. */
export const NO_POLICY: PolicySettings = { timeZone: null, quietHours: [], caps: [] }

/** Every plan reads all of them, and asks each cap with a count of its own. */
const MAX_CAPS = 20
const MAX_CAP_LIMIT = 1_000
/** A year. */
const MAX_WINDOW_MINUTES = 525_600

const isWithin = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most

const timeZoneFault = (timeZone: string, path: InputPath): InputFault | null =>
  isTimeZone(timeZone) ? null : { path, message: 'is not an IANA time zone name, such as Europe/Berlin' }

const windowsFault = (windows: readonly QuietHours[], path: InputPath): InputFault | null => {
  for (const [index, { channels }] of windows.entries()) {
    for (const [place, channel] of channels.entries()) {
      const fault = idFault(channel, [...path, index, 'channels', place])
      if (fault) return fault
    }
  }
  const fault = quietHoursFault(windows)
  if (!fault) return null
  const { index, field, message } = fault
  return { path: [...path, ...(index === null ? [] : [index]), ...(field === undefined ? [] : [field])], message }
}

const capFault = ({ limit, windowMinutes, channel, category }: DeliveryCap, path: InputPath): InputFault | null => {
  if (!isWithin(limit, MAX_CAP_LIMIT)) {
    const message = `must be 1 to ${MAX_CAP_LIMIT}; to hear nothing at all of something, switch it off in the preferences`
    return { path: [...path, 'limit'], message }
  }
  if (!isWithin(windowMinutes, MAX_WINDOW_MINUTES))
    return { path: [...path, 'windowMinutes'], message: `must be 1 to ${MAX_WINDOW_MINUTES}` }
  return (
    (channel === null ? null : idFault(channel, [...path, 'channel'])) ??
    (category === null ? null : idFault(category, [...path, 'category']))
  )
}

const capsFault = (caps: readonly DeliveryCap[], path: InputPath): InputFault | null => {
  if (caps.length > MAX_CAPS) return { path, message: `holds more than ${MAX_CAPS}` }
  return caps.reduce<InputFault | null>((fault, cap, index) => fault ?? capFault(cap, [...path, index]), null)
}

/** The first thing in policy settings that cannot be followed, and where; `null` where there is none. What is left out is not asked about. */
export const policyFault = (
  { timeZone, quietHours, caps }: Partial<PolicySettings>,
  path: InputPath,
): InputFault | null =>
  (timeZone == null ? null : timeZoneFault(timeZone, [...path, 'timeZone'])) ??
  (quietHours === undefined ? null : windowsFault(quietHours, [...path, 'quietHours'])) ??
  (caps === undefined ? null : capsFault(caps, [...path, 'caps']))
