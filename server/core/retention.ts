import { type Duration, durationMs } from './duration.ts'

/**
 * How long what is stored is kept, each class by itself; for ever what is left out. A service that never forgets grows
 * for ever: `events: '400d'` suits most. At least a day each.
 */
export interface RetentionSettings {
  /**
   * An event with all that came of it, from when the last thing happened to it: notifications, deliveries, attempts,
   * decisions, transitions, workflow runs, reports, digests. Its idempotency key can be used again from then on.
   */
  events?: Duration
  /** Items of inboxes, with their content; explanations stay until the event goes. An item is never kept longer than its event. */
  inbox?: {
    /** From when it was archived. */
    archived?: Duration
    /** From when it was read. */
    read?: Duration
    /** From when it came, whatever became of it; as long as events where left out. */
    all?: Duration
  }
  /** Signals of hosts; as long as events where left out. */
  signals?: Duration
  /** Providers' reports that nothing came of; as long as events where left out. The others go with their event. */
  fruitlessReports?: Duration
}

/** For how many milliseconds each class is kept; `null`: for ever. */
export interface Retention {
  readonly events: number | null
  readonly archived: number | null
  readonly read: number | null
  readonly arrived: number | null
  readonly signals: number | null
  readonly reports: number | null
}

/** Instants before which what is over is pruned; `null`: nothing is. */
export type Cutoffs = { readonly [Class in keyof Retention]: Date | null }

const DAY_MS = 86_400_000

const EVENTS = 'events'
const ALL_ITEMS = 'inbox.all'
const CLASSES = [EVENTS, 'inbox.archived', 'inbox.read', ALL_ITEMS, 'signals', 'fruitlessReports'] as const

const quoted = (name: string): string => `\`retention.${name}\``

/** The settings by the names of their classes, as they were written. */
const written = (settings: RetentionSettings): ReadonlyMap<string, unknown> => {
  const { inbox = {}, ...others } = settings
  const nested = inbox !== null && typeof inbox === 'object' ? Object.entries(inbox) : []
  const entries = [...Object.entries(others), ...nested.map(([name, value]) => [`inbox.${name}`, value] as const)]
  return new Map(entries.filter(([, value]) => value !== undefined))
}

const msOf = (value: unknown): number | null => (typeof value === 'string' ? durationMs(value) : null)

/** All that is wrong with retention settings, each in a sentence that says what to write instead. */
export const retentionFaults = (settings: RetentionSettings): readonly string[] => {
  const given = written(settings)
  const faults: string[] = []
  if (settings.inbox !== undefined && (settings.inbox === null || typeof settings.inbox !== 'object'))
    faults.push(`${quoted('inbox')} must be an object with archived, read or all, such as { archived: "30d" }`)
  for (const [name, value] of given) {
    const ms = msOf(value)
    if (!CLASSES.some((known) => known === name))
      faults.push(`${quoted(name)} is no class of what is stored: those are ${CLASSES.join(', ')}`)
    else if (ms === null) faults.push(`${quoted(name)} must be a duration such as "90d"; left out, it is kept for ever`)
    else if (ms < DAY_MS)
      faults.push(
        `${quoted(name)} must be at least "1d": callers and providers that try again must still be recognised`,
      )
  }
  const longerThan = (name: string, most: string): boolean => {
    const [one, other] = [msOf(given.get(name)), msOf(given.get(most))]
    return one !== null && other !== null && one > other
  }
  for (const name of ['inbox.archived', 'inbox.read', ALL_ITEMS]) {
    if (longerThan(name, EVENTS))
      faults.push(
        `${quoted(name)} is longer than ${quoted(EVENTS)}, and an item goes with its event: make it shorter, or events longer`,
      )
    else if (name !== ALL_ITEMS && longerThan(name, ALL_ITEMS))
      faults.push(`${quoted(name)} is longer than ${quoted(ALL_ITEMS)}, and would never come to bear: leave it out`)
  }
  return faults
}

/** What retention settings without faults come to. */
export const retentionOf = ({ events, inbox = {}, signals, fruitlessReports }: RetentionSettings): Retention => ({
  events: msOf(events),
  archived: msOf(inbox.archived),
  read: msOf(inbox.read),
  arrived: msOf(inbox.all) ?? msOf(events),
  signals: msOf(signals) ?? msOf(events),
  reports: msOf(fruitlessReports) ?? msOf(events),
})

/** What is over since before these instants is pruned now. */
export const cutoffsAt = (retention: Retention, now: Date): Cutoffs => {
  const before = (ms: number | null): Date | null => (ms === null ? null : new Date(now.getTime() - ms))
  return {
    events: before(retention.events),
    archived: before(retention.archived),
    read: before(retention.read),
    arrived: before(retention.arrived),
    signals: before(retention.signals),
    reports: before(retention.reports),
  }
}

/**
 * For how long a row stays behind for what has left an inbox, before its event may be pruned: who comes back within it
 * is told of each item, who comes later reloads the inbox. A day.
 */
export const TOMBSTONE_MS = DAY_MS

/** An event that may be pruned, as the look at the oldest finds it. */
export interface SeenOldEvent {
  readonly id: string
  /** How many notifications it has. */
  readonly rest: number
  /** Whether all that came of it is over for long enough. */
  readonly over: boolean
}

/**
 * Divides what was found over into batches, in order: events that fit into one together, and one that is larger than
 * a batch by itself.
 */
export const batchesOf = (events: readonly SeenOldEvent[], size: number): readonly (readonly SeenOldEvent[])[] => {
  const batches: SeenOldEvent[][] = []
  let room = 0
  for (const event of events) {
    if (!event.over) continue
    // One without notifications takes room too: its own row.
    const weight = Math.max(1, event.rest)
    const batch = batches.at(-1)
    if (batch && weight <= room) {
      batch.push(event)
      room -= weight
    } else {
      batches.push([event])
      room = size - weight
    }
  }
  return batches
}

/**
 * Which of an event's notifications are pruned: all that may be where it is more than one batch, else all or none, so
 * that no event is left in half for what may not.
 */
export const chosenOf = <One extends { readonly eventId: string; readonly prunable: boolean }>(
  notifications: readonly One[],
  isLarge: boolean,
): readonly One[] => {
  const held = new Set(isLarge ? [] : notifications.flatMap(({ eventId, prunable }) => (prunable ? [] : [eventId])))
  return notifications.filter(({ eventId, prunable }) => prunable && !held.has(eventId))
}
