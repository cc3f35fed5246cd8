import { Temporal } from 'temporal-polyfill'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/**
 * Whether a name is an IANA time zone's; case does not matter. An offset such as "+02:00" is none: it knows nothing of
 * summer time.
 */
export const isTimeZone = (name: string): boolean => {
  if (knownZones.has(name)) return true
  try {
    // Intl takes offsets too, and abbreviations such as PST, which mean several zones and which Temporal refuses.
    const known = /^[A-Za-z]/.test(name) && Boolean(Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name))
    if (known && knownZones.size < MAX_KNOWN_ZONES) knownZones.add(name)
    return known
  } catch {
    return false
  }
}

const MAX_KNOWN_ZONES = 10_000
/** To ask Intl costs more than all the rest of a plan. There are some six hundred names, times the ways to write each. */
const knownZones = new Set<string>()

/** A day of a zone's calendar, as the number of days from 1970-01-01: the next is one more, even one that was skipped. */
export type LocalDay = number

/** A zone's offset from UTC in a stretch of time: one change at most. */
interface Slot {
  readonly before: number
  /** The first instant of the new offset; infinite where there is none. */
  readonly changesAt: number
  readonly after: number
}

// No zone has changed twice within this since 1970: the closest two, America/Boa_Vista's in 2000, are 7 days apart.
const SLOT_MS = 4 * DAY_MS

// What a zone did is a constant, so remembering it leaves these functions pure. Without, each offset takes 10 µs, and
// one verdict may need dozens. Both limits only keep strange callers from filling memory.
const MAX_ZONES = 1_000
const MAX_SLOTS = 64
const known = new Map<string, Map<number, Slot>>()

const zoned = (at: number, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)

const readSlot = (number: number, zone: string): Slot => {
  const from = zoned(number * SLOT_MS, zone)
  const until = zoned((number + 1) * SLOT_MS, zone)
  const before = from.offsetNanoseconds / 1e6
  const after = until.offsetNanoseconds / 1e6
  const change = before === after ? null : (from.getTimeZoneTransition('next') ?? until)
  return { before, changesAt: change?.epochMilliseconds ?? Number.POSITIVE_INFINITY, after }
}

const slotAt = (at: number, zone: string): Slot => {
  const number = Math.floor(at / SLOT_MS)
  const found = known.get(zone)?.get(number)
  if (found) return found
  const slot = readSlot(number, zone)
  if (known.size >= MAX_ZONES) known.clear()
  const slots = known.get(zone) ?? new Map<number, Slot>()
  known.set(zone, slots)
  if (slots.size >= MAX_SLOTS) slots.clear()
  slots.set(number, slot)
  return slot
}

const offsetIn = (slot: Slot, at: number): number => (at < slot.changesAt ? slot.before : slot.after)

/**
 * Where a local time, given as if it were UTC, lies by the offset before and by the one after the change that is closest
 * to it; `change` is null, and both are the same, where none is within a day.
 */
const candidates = (local: number, zone: string) => {
  // Every offset is shorter than a day, so the instant meant lies between these two.
  const low = local - DAY_MS
  const high = local + DAY_MS
  const early = slotAt(low, zone)
  const late = slotAt(high, zone)
  const before = offsetIn(early, low)
  const after = offsetIn(late, high)
  const change = early.changesAt > low ? Math.min(early.changesAt, late.changesAt) : late.changesAt
  return { before: local - before, change: before === after ? null : change, after: local - after }
}

/**
 * The instant, in epoch milliseconds, at which a zone's clock first reaches a minute of a day (0 to 1,439): the earlier
 * one where the clock shows it twice, the first after the gap where it never does. Throws for a zone that is none.
 */
export const startOf = (day: LocalDay, minute: number, zone: string): number => {
  const { before, change, after } = candidates(day * DAY_MS + minute * MINUTE_MS, zone)
  return change === null || before < change ? before : Math.max(change, after)
}

/**
 * The instant, in epoch milliseconds, at which a zone's clock leaves a minute's beginning behind for good: the later one
 * where the clock shows it twice, the first after the gap where it never does. Throws for a zone that is none.
 */
export const endOf = (day: LocalDay, minute: number, zone: string): number => {
  const { before, change, after } = candidates(day * DAY_MS + minute * MINUTE_MS, zone)
  return change === null || after >= change ? after : Math.min(change, before)
}

const localOf = (at: number, zone: string): number => at + offsetIn(slotAt(at, zone), at)

/** The day that a zone's calendar shows at an instant. Throws for a zone that is none. */
export const localDayOf = (at: Date, zone: string): LocalDay => Math.floor(localOf(at.getTime(), zone) / DAY_MS)

/** Which day of the week a day is: 0 is Monday, 6 is Sunday. */
export const weekdayOf = (day: LocalDay): number => (((day + 3) % 7) + 7) % 7

/** Minutes since midnight of a wall clock's `HH:MM`, 00:00 to 23:59; `null` where it is none. */
export const minuteOfDay = (clock: string): number | null => {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(clock)
  return match ? Number(match[1]) * 60 + Number(match[2]) : null
}

/**
 * An instant in a reader's zone and in UTC, to the minute: `08:00 Europe/Berlin (07:00 UTC)`. The date stands before it
 * where `relativeTo` is given and is on another day there, and before UTC's time too where that differs.
 * Throws for a zone that is none.
 */
export const describeInstant = (at: Date, zone: string, relativeTo?: Date): string => {
  const dated = relativeTo !== undefined && localDayOf(at, zone) !== localDayOf(relativeTo, zone)
  const [localDate, localClock] = fields(localOf(at.getTime(), zone))
  const [utcDate, utcClock] = fields(at.getTime())
  const local = `${dated ? `${localDate} ` : ''}${localClock} ${zone}`
  return zone === 'UTC' ? local : `${local} (${dated && utcDate !== localDate ? `${utcDate} ` : ''}${utcClock} UTC)`
}

const fields = (ms: number): readonly [date: string, clock: string] => {
  const text = new Date(ms).toISOString()
  return [text.slice(0, -14), text.slice(-13, -8)]
}
