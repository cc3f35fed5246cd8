import type { DeliveryCap } from './delivery-cap.ts'
import { type QuietHours, WEEKDAYS, type Weekday } from './quiet-hours.ts'

/** An instant in UTC, to the second: `2026-01-15 12:00:00 UTC`. */
export const instantText = (at: Date): string => `${at.toISOString().slice(0, -5).replace('T', ' ')} UTC`

/** `a`, `a and b`, `a, b and c`. */
export const listText = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`

/** `1 try`, `3 tries`. */
export const countText = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`

/** A sentence out of a clause. */
export const sentence = (clause: string): string => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`

const HOUR = 60
const DAY = 1_440

/** A stretch of time in the largest unit of which it is two or more: `60 minutes`, `24 hours`, `7 days`. */
export const minutesText = (minutes: number): string => {
  const [size, unit] = ([[DAY, 'day'] as const, [HOUR, 'hour'] as const] as const).find(
    ([length]) => minutes % length === 0 && minutes >= 2 * length,
  ) ?? [1, 'minute']
  return countText(minutes / size, unit, `${unit}s`)
}

const dayName = (day: Weekday): string => day.charAt(0).toUpperCase() + day.slice(1)

const windowText = ({ start, end, days }: QuietHours): string => {
  const named = days.length === 0 || days.length === WEEKDAYS.length ? '' : ` on ${listText(days.map(dayName))}`
  return `${start}–${end}${named}`
}

/** `22:00–08:00`, `22:00–08:00 on Friday and Saturday`. */
export const windowsText = (windows: readonly QuietHours[]): string => listText(windows.map(windowText))

const NOUNS: ReadonlyMap<string, string> = new Map([
  ['email', 'e-mails'],
  ['sms', 'text messages'],
  ['push', 'push messages'],
  ['chat', 'chat messages'],
  ['in_app', 'inbox items'],
])

/** What a cap counts: `deliveries`, `e-mails`, `deliveries on pager`, `e-mails of the category "comments"`. */
export const countedText = ({ channel, category }: Pick<DeliveryCap, 'channel' | 'category'>): string => {
  const noun = channel === null ? 'deliveries' : (NOUNS.get(channel) ?? `deliveries on ${channel}`)
  return category === null ? noun : `${noun} of the category "${category}"`
}
