import type { InputPath } from '../errors.ts'
import { type DigestRule, type DigestWindow, MAX_DIGEST_ITEMS } from './digest-rule.ts'
import { type InputFault, idFault } from './json-limits.ts'
import { isTimeZone, minuteOfDay } from './zoned-time.ts'

/** A year. */
const MAX_MINUTES = 525_600
const isWithin = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most

/** A field of a rule's window, by the name that whoever gave it knows it under. */
export type WindowField = 'minutes' | 'maxMinutes' | 'time' | 'timeZone'

const windowFault = (window: DigestWindow): { readonly field: WindowField; readonly message: string } | null => {
  if (window.kind === 'boundary') {
    if (minuteOfDay(window.time) === null) return { field: 'time', message: 'must be a local time such as "09:00"' }
    if (window.timeZone !== null && !isTimeZone(window.timeZone)) {
      return { field: 'timeZone', message: 'is not an IANA time zone name, such as Europe/Berlin' }
    }
    return null
  }
  const whole = `must be a whole number of minutes from 1 to ${MAX_MINUTES}`
  if (!isWithin(window.minutes, MAX_MINUTES)) return { field: 'minutes', message: whole }
  if (window.kind === 'fixed') return null
  if (!isWithin(window.maxMinutes, MAX_MINUTES)) return { field: 'maxMinutes', message: whole }
  if (window.maxMinutes >= window.minutes) return null
  return { field: 'maxMinutes', message: 'must not be shorter than what each further item extends the window by' }
}

const nameFault = (value: string, path: InputPath): InputFault | null =>
  value.trim() === '' ? { path, message: 'is blank' } : idFault(value, path)

/** What keeps a rule from being one; `pathOf` says where a field of its window stands. */
export const digestRuleFault = (
  rule: DigestRule,
  path: InputPath,
  pathOf: (field: WindowField) => InputPath,
): InputFault | null => {
  for (const field of ['key', 'channel', 'matchNotificationKey', 'matchCategory'] as const) {
    const value = rule[field]
    const fault = value === null ? null : nameFault(value, [...path, field])
    if (fault) return fault
  }
  if (!isWithin(rule.version, 2 ** 31 - 1)) {
    return { path: [...path, 'version'], message: 'must be a positive whole number' }
  }
  if (rule.maxItems !== null && !isWithin(rule.maxItems, MAX_DIGEST_ITEMS)) {
    return { path: [...path, 'maxItems'], message: `must be a whole number from 1 to ${MAX_DIGEST_ITEMS}` }
  }
  const fault = windowFault(rule.window)
  return fault && { path: pathOf(fault.field), message: fault.message }
}
