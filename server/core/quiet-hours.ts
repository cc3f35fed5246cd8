import { idFault } from './json-limits.ts'
import { endOf, type LocalDay, localDayOf, minuteOfDay, startOf, weekdayOf } from './zoned-time.ts'

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const
export type Weekday = (typeof WEEKDAYS)[number]

/** How many rules one policy may have; each is looked at whenever a delivery is planned. */
export const MAX_QUIET_HOURS = 50
/** How many channels one rule may name. */
export const MAX_QUIET_CHANNELS = 20

/** One rule: from `start` up to, but not including, `end`, both `HH:MM` of the local wall clock. */
export interface QuietHours {
  readonly start: string
  /** At or before `start` it is on the next day, so the same time twice is a whole day. */
  readonly end: string
  /** The days on which it starts; all where empty. */
  readonly days: readonly Weekday[]
  /** All but `in_app` where empty. */
  readonly channels: readonly string[]
}

/** What is wrong with settings. */
export interface QuietHoursFault {
  /** Which rule; `null` where it is all of them together. */
  readonly index: number | null
  readonly field?: keyof QuietHours
  readonly message: string
}

/** Those rules that concern a channel. */
export const quietHoursFor = (windows: readonly QuietHours[], channel: string): readonly QuietHours[] =>
  windows.filter(({ channels }) => (channels.length === 0 ? channel !== 'in_app' : channels.includes(channel)))

/** A rule with its clock read: minutes of a day. */
interface Rule {
  readonly start: number
  readonly end: number
  /** The end comes so many days after the start. */
  readonly endsAfter: 0 | 1
  /** By number of the day, from Monday. */
  readonly days: readonly boolean[]
}

// One that cannot be read holds nothing: `quietHoursFault` has refused it, and a sender must not fall over it.
const read = ({ start, end, days }: QuietHours): readonly Rule[] => {
  const from = minuteOfDay(start)
  const until = minuteOfDay(end)
  if (from === null || until === null) return []
  const startsOn = WEEKDAYS.map((weekday) => days.length === 0 || days.includes(weekday))
  return [{ start: from, end: until, endsAfter: until <= from ? 1 : 0, days: startsOn }]
}

// The furthest from today that a rule's day can be while it holds now: two days back and one ahead, since a clock that
// is set back over midnight shows the day before again, when the next day's rules may have begun.
const DAYS_BACK = 2
const DAYS_ON = 1

// Settings leave some time of each week free. A gap may swallow it in one week, never in three running.
const DAYS_AHEAD = 28

const startsOn = (rule: Rule, day: LocalDay): boolean => rule.days[weekdayOf(day)] === true

/** The end of what a rule starts on a day. */
const endFrom = (rule: Rule, day: LocalDay, zone: string): number => endOf(day + rule.endsAfter, rule.end, zone)

/**
 * When a channel is free again, by the rules that concern it: `now` itself where none holds it, else the end of all that
 * overlap or adjoin. Throws for a zone that is none. Settings that are never free, which `quietHoursFault` refuses, are
 * free after four weeks.
 */
export const freeAt = (now: Date, windows: readonly QuietHours[], zone: string): Date => {
  if (windows.length === 0) return now
  const rules = windows.flatMap(read).sort((a, b) => a.start - b.start)
  const today = localDayOf(now, zone)
  let free = now.getTime()
  // In this order no start is earlier than the one before it, so the first that is later than all ends ends the search.
  search: for (let day = today - DAYS_BACK; day <= today + DAYS_AHEAD; day++) {
    for (const rule of rules) {
      if (!startsOn(rule, day)) continue
      if (startOf(day, rule.start, zone) > free) break search
      free = Math.max(free, endFrom(rule, day, zone))
    }
  }
  return free === now.getTime() ? now : new Date(free)
}

/** Those of a channel's rules that hold it at an instant, in their order. Throws for a zone that is none. */
export const holding = (now: Date, windows: readonly QuietHours[], zone: string): readonly QuietHours[] => {
  if (windows.length === 0) return []
  const at = now.getTime()
  const today = localDayOf(now, zone)
  const days = Array.from({ length: DAYS_BACK + 1 + DAYS_ON }, (_, index) => today - DAYS_BACK + index)
  const holds = (rule: Rule) => (day: LocalDay) =>
    startsOn(rule, day) && startOf(day, rule.start, zone) <= at && at < endFrom(rule, day, zone)
  return windows.filter((window) => read(window).some((rule) => days.some(holds(rule))))
}

const WEEK_MS = 7 * 86_400_000

const isNeverFree = (windows: readonly QuietHours[]): boolean =>
  freeAt(new Date(0), windows, 'UTC').getTime() >= WEEK_MS

const repeated = <T>(list: readonly T[]): T | undefined => list.find((one, index) => list.indexOf(one) !== index)

const ruleFault = ({ start, end, days, channels }: QuietHours): Omit<QuietHoursFault, 'index'> | null => {
  for (const [field, clock] of Object.entries({ start, end } as const)) {
    if (minuteOfDay(clock) !== null) continue
    return { field: field as 'start' | 'end', message: 'must be a local time from 00:00 to 23:59, as "22:00"' }
  }
  const stranger = days.find((day) => !WEEKDAYS.includes(day))
  if (stranger !== undefined) return { field: 'days', message: `has "${stranger}": must be ${WEEKDAYS.join(', ')}` }
  const day = repeated(days)
  if (day !== undefined) return { field: 'days', message: `has "${day}" twice` }
  if (channels.length > MAX_QUIET_CHANNELS) return { field: 'channels', message: `has more than ${MAX_QUIET_CHANNELS}` }
  const misnamed = channels.map((channel) => idFault(channel, [])).find((fault) => fault !== null)
  if (misnamed) return { field: 'channels', message: `has one that ${misnamed.message}` }
  const channel = repeated(channels)
  return channel === undefined ? null : { field: 'channels', message: `has "${channel}" twice` }
}

/**
 * The first thing that is wrong with settings; `null` where nothing is. Beside what no rule may look like, no channel may
 * be left without an instant of the week at which something can be sent: what waited for one would wait for ever.
 */
export const quietHoursFault = (windows: readonly QuietHours[]): QuietHoursFault | null => {
  if (windows.length > MAX_QUIET_HOURS) return { index: null, message: `are more than ${MAX_QUIET_HOURS}` }
  for (const [index, window] of windows.entries()) {
    const fault = ruleFault(window)
    if (fault) return { index, ...fault }
  }
  const never = (whom: string): QuietHoursFault => ({ index: null, message: `leave ${whom} no time of the week` })
  if (isNeverFree(windows.filter(({ channels }) => channels.length === 0))) return never('all channels but in_app')
  const named = new Set(windows.flatMap(({ channels }) => channels))
  const closed = [...named].find((channel) => isNeverFree(quietHoursFor(windows, channel)))
  return closed === undefined ? null : never(`channel "${closed}"`)
}
