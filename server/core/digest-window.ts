import type { DigestWindow } from './digest-rule.ts'
import { endOf, isTimeZone, localDayOf, minuteOfDay } from './zoned-time.ts'

/** Half-open: `[startsAt, endsAt)`. */
export interface Window {
  readonly startsAt: Date
  readonly endsAt: Date
}

const MINUTE_MS = 60_000

const slotOf = (minutes: number, now: Date): Window => {
  const length = minutes * MINUTE_MS
  const start = Math.floor(now.getTime() / length) * length
  return { startsAt: new Date(start), endsAt: new Date(start + length) }
}

/**
 * A day's boundary is one instant, the end of one window and the start of the next: the first after the gap where the
 * clock skips it, the later one where the clock shows it twice.
 */
const dayOf = (minute: number, zone: string, now: Date): Window => {
  // The calendar's day may begin at either side of the boundary, and where a zone skips a day at a day more.
  let day = localDayOf(now, zone) + 1
  while (endOf(day, minute, zone) > now.getTime()) day -= 1
  return { startsAt: new Date(endOf(day, minute, zone)), endsAt: new Date(endOf(day + 1, minute, zone)) }
}

/** The zone of a rule's local times: its own, else the recipient's. One that this server does not know is UTC's. */
export const windowZone = (window: DigestWindow, recipientZone: string): string => {
  const zone = (window.kind === 'boundary' && window.timeZone) || recipientZone
  return isTimeZone(zone) ? zone : 'UTC'
}

/** The window of a bucket that opens now. Fixed windows and boundaries tile time; a sliding one begins with its first item. */
export const windowFor = (window: DigestWindow, now: Date, zone: string): Window => {
  switch (window.kind) {
    case 'fixed':
      return slotOf(window.minutes, now)
    case 'boundary':
      return dayOf(minuteOfDay(window.time) ?? 0, zone, now)
    case 'sliding':
      return { startsAt: now, endsAt: new Date(now.getTime() + window.minutes * MINUTE_MS) }
  }
}

/** When an open bucket closes once a further item has joined it now. */
export const endsAtAfter = (
  window: DigestWindow,
  { firstItemAt, endsAt }: { readonly firstItemAt: Date; readonly endsAt: Date },
  now: Date,
): Date => {
  if (window.kind !== 'sliding') return endsAt
  const slid = now.getTime() + window.minutes * MINUTE_MS
  const latest = firstItemAt.getTime() + window.maxMinutes * MINUTE_MS
  return new Date(Math.max(endsAt.getTime(), Math.min(slid, latest)))
}
