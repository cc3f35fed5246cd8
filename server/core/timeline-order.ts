import type { TimelineEntry } from './timeline.ts'

/*
 * Much of a story happens in one transaction, and so at one instant. What came first there is known from what can
 * follow what: a delivery is claimed before its call is recorded, and that before the next try.
 *
 *   unmade ──► ready ──► handed ──► answered ──► failed ──► handed …      waiting: deferred
 *                 ⇅         └──────────────────────┘           over: suppressed, cancelled, expired
 *              waiting        (its worker died)
 */

type Place = 'unmade' | 'ready' | 'waiting' | 'handed' | 'answered' | 'failed' | 'over'

interface Step {
  readonly from: readonly Place[]
  /** `null`: it stays where it was. */
  readonly to: Place | null
}

/** What a provider reports comes at any time. */
const ANYWHERE: readonly Place[] = ['ready', 'waiting', 'handed', 'answered', 'failed', 'over']
const END: Step = { from: ['ready', 'waiting', 'failed'], to: 'over' }

/** Where an entry finds a delivery, and where it leaves it; those not named here move it nowhere. In order of precedence. */
const STEPS: Readonly<Record<string, Step>> = {
  delivery_planned: { from: ['unmade'], to: 'ready' },
  // Found by the claim after it: only then is it known that the worker of the one before had died.
  attempt_unknown: { from: ['handed'], to: 'failed' },
  attempt_held: { from: ['failed'], to: 'failed' },
  deferred: { from: ['ready', 'failed'], to: 'waiting' },
  digest_held: { from: ['ready'], to: 'waiting' },
  // On the digest's own timeline: it was made for what it holds.
  digest_emitted: { from: ['ready', 'waiting', 'over'], to: null },
  // It says which digest; that it is over has an entry of its own.
  digest_skipped: { from: ['waiting'], to: null },
  resumed: { from: ['waiting'], to: 'ready' },
  retried: { from: ['failed', 'over'], to: 'ready' },
  digested: { from: ['waiting'], to: 'over' },
  suppressed: END,
  retry_dropped: END,
  expired: END,
  claimed: { from: ['ready', 'failed'], to: 'handed' },
  // From ready: what planning lets through into an inbox is there at once.
  attempt_recorded: { from: ['handed', 'ready'], to: 'answered' },
  // It moves nothing by itself; a change that it brings about is an entry of its own.
  webhook_received: { from: ANYWHERE, to: null },
  retry_scheduled: { from: ['answered'], to: 'failed' },
  cancelled: { from: [...END.from, 'answered'], to: 'over' },
  event_cancelled: END,
}

/** Changes that a provider's report brings about. */
const REPORTED: Readonly<Record<string, Step>> = {
  retry_scheduled: { from: ANYWHERE, to: 'failed' },
  retry_dropped: { from: ANYWHERE, to: 'answered' },
  cancelled: { from: ANYWHERE, to: 'over' },
}

const FIRST = ['event_created', 'notification_created']
const LAST = [
  'notification_seen',
  'notification_read',
  'notification_archived',
  'notification_pruned',
  'recipient_erased',
]
const PRECEDENCE = [...FIRST, 'a workflow came to it', ...Object.keys(STEPS), ...LAST]

const precedenceOf = ({ event, detail }: TimelineEntry): number => {
  // Its cause is that the notification was read.
  if (detail['reason'] === 'already_read') return PRECEDENCE.length
  // A step is planned because a workflow came to it, and its end moves the workflow on.
  if (event.startsWith('workflow_')) return detail['ledTo'] === undefined ? PRECEDENCE.length + 1 : FIRST.length
  const place = PRECEDENCE.indexOf(event)
  return place < 0 ? PRECEDENCE.length : place
}

const stepOf = ({ event, detail }: TimelineEntry): Step | undefined => {
  if (detail['source'] === 'feedback') return REPORTED[event]
  // An operator cancels only what a provider has not got.
  return detail['reason'] === 'cancelled_by_operator' ? END : STEPS[event]
}

/** Whether a try makes one call, or several: where there are several addresses or adapters. */
type Calls = 'one' | 'several'

/** Where an entry leads from a place; `null` where it cannot follow. */
const after = (place: Place, entry: TimelineEntry, calls: Calls): Place | null => {
  const step = stepOf(entry)
  if (!step) return place
  if (calls === 'several' && place === 'answered' && entry.event === 'attempt_recorded') return place
  return step.from.includes(place) ? (step.to ?? place) : null
}

interface Told {
  readonly entries: readonly TimelineEntry[]
  readonly place: Place
}

/** The first order by precedence in which each entry can follow the one before it; `null` where there is none. */
const causal = (entries: readonly TimelineEntry[], place: Place, calls: Calls): Told | null => {
  if (entries.length === 0) return { entries, place }
  for (const [index, entry] of entries.entries()) {
    const alike = (other: TimelineEntry) => other.event === entry.event && stepOf(other) === stepOf(entry)
    // Of those that are alike the first has been tried.
    if (entries.findIndex(alike) < index) continue
    const next = after(place, entry, calls)
    if (next === null) continue
    const rest = causal(entries.toSpliced(index, 1), next, calls)
    if (rest) return { entries: [entry, ...rest.entries], place: rest.place }
  }
  return null
}

// More than a few things happen at one instant only where a clock stands still, and orders are many.
const MAX_ARRANGED = 16

const arrange = (entries: readonly TimelineEntry[], place: Place): Told => {
  const few = entries.length <= MAX_ARRANGED
  const told = few ? (causal(entries, place, 'one') ?? causal(entries, place, 'several')) : null
  // Where they do not fit each other: by precedence alone.
  return told ?? { entries, place: entries.reduce((at, entry) => stepOf(entry)?.to ?? at, place) }
}

/** Orders entries by instant, then by cause before effect. Those that are alike stay in the order in which they come. */
export const inOrder = (entries: readonly TimelineEntry[]): readonly TimelineEntry[] => {
  const rest = entries.toSorted((a, b) => a.at.getTime() - b.at.getTime() || precedenceOf(a) - precedenceOf(b))
  const told: TimelineEntry[] = []
  let place: Place = 'unmade'
  while (rest.length > 0) {
    const at = rest[0]?.at.getTime()
    const later = rest.findIndex((entry) => entry.at.getTime() !== at)
    const arranged = arrange(rest.splice(0, later < 0 ? rest.length : later), place)
    told.push(...arranged.entries)
    place = arranged.place
  }
  return told
}
