import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import { linksToSpans, type Span, startSpan, within } from '../../tracing.ts'
import type { Capabilities } from '../capabilities.ts'
import { halving } from '../halving.ts'
import type { KnownRecipients } from '../recipients-known.ts'
import { type CommitOutcome, commitTriggers } from './commit.ts'
import type { PreparedTrigger } from './prepare.ts'

/*
 *   submitted ──► fast lane ──► answered            shares a transaction with up to 100 others; never waits for a lock
 *        │            │ contested, or too large
 *        │            ▼
 *        └──────► slow lane ──► answered            waits for its locks; tries a busy key again, later and later
 *
 * A second fast lane opens only while enough is waiting for it and none is contested: while the database works on one
 * batch, the callers of the other are answered and send their next. Where recipients are shared two lanes lose.
 */

/** A batch is bounded by triggers and by recipients: the duration of one batch is the worst wait of the next. */
const MAX_TRIGGERS = 100
const MAX_RECIPIENTS = 200
/** How many must be waiting for a second lane to open: a lane for less would only make both batches small. */
const SECOND_LANE_FROM = 8
/** After a contested batch, how many batches go by before a second lane is tried again. */
const CALM_BATCHES = 50
const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 100

interface Waiting {
  readonly item: PreparedTrigger
  readonly resolve: (answer: Committed) => void
  readonly reject: (error: unknown) => void
}

type Result = CommitOutcome | { readonly kind: 'failed'; readonly error: unknown }

export interface Committed {
  readonly event: EventRow
  readonly repeated: boolean
}

/** Of a batch of several: within the first one's trigger, and linked to the others'. */
const commitSpan = (batch: readonly Waiting[], slow: boolean): Span => {
  const [first, ...others] = batch.map(({ item }) => item.span)
  return startSpan('carillon.commit', {
    parent: first && within(first),
    links: others.length > 0 ? linksToSpans(others) : [],
    attributes: { 'carillon.triggers': batch.length, 'carillon.lane': slow ? 'slow' : 'fast' },
  })
}

const weightOf = ({ recipientIds }: PreparedTrigger): number => recipientIds.length

/** Takes the next batch from the front of a queue: at least one, and as many as the bounds allow. */
const takeBatch = (queue: Waiting[]): Waiting[] => {
  let recipients = 0
  let size = 0
  while (size < queue.length && size < MAX_TRIGGERS) {
    recipients += weightOf((queue[size] as Waiting).item)
    if (size > 0 && recipients > MAX_RECIPIENTS) break
    size += 1
  }
  return queue.splice(0, size)
}

/** Opens the lanes; the function commits one prepared trigger, together with whatever else is waiting. */
export const openLanes = (
  capabilities: Capabilities,
  known: KnownRecipients,
): ((item: PreparedTrigger) => Promise<Committed>) => {
  const { telemetry, hints } = capabilities
  const fast: Waiting[] = []
  const slow: Waiting[] = []
  const running = { fast: 0, slow: false }
  let calmAfter = 0

  const attempt = async (batch: readonly Waiting[], wait: boolean): Promise<readonly Result[]> => {
    const items = batch.map(({ item }) => item)
    const results = await halving(items, (part) => commitTriggers(capabilities, part, { wait }))
    return results.map((one) => (one.status === 'fulfilled' ? one.value : { kind: 'failed', error: one.reason }))
  }

  /** Answers what is decided; gives back what has to be tried again. */
  const run = async (batch: readonly Waiting[], wait: boolean): Promise<readonly Waiting[]> => {
    const begun = performance.now()
    const span = commitSpan(batch, wait)
    const results = await attempt(batch, wait)
    span.end()
    const durationMs = performance.now() - begun
    const contested: Waiting[] = []
    const created: PreparedTrigger[] = []
    for (const [index, result] of results.entries()) {
      const waiting = batch[index] as Waiting
      if (result.kind === 'failed' || result.kind === 'refused') waiting.reject(result.error)
      else if (result.kind === 'contested') {
        // In the fast lane they are more likely locked than missing; the slow lane finds out.
        if (wait) known.forget(result.missing)
        contested.push(waiting)
      } else {
        if (result.kind === 'created') created.push(waiting.item)
        waiting.resolve({ event: result.event, repeated: result.kind === 'repeated' })
      }
    }
    announce(created, { slow: wait, durationMs })
    return contested
  }

  const announce = (
    created: readonly PreparedTrigger[],
    { slow, durationMs }: { readonly slow: boolean; readonly durationMs: number },
  ): void => {
    if (created.length === 0) return
    const recipients = created.reduce((sum, item) => sum + weightOf(item), 0)
    telemetry.emit('trigger.committed', { triggers: created.length, recipients, slow, durationMs })
    hints.inboxesMoved(
      created.flatMap(({ tenantId, recipients }) =>
        (recipients ?? [])
          .filter(({ channels, workflow }) => workflow || channels.some(({ channel }) => channel === 'in_app'))
          .map(({ recipientId }) => ({ tenantId, recipientId })),
      ),
    )
    const outgoing = created.some(
      ({ recipients }) =>
        recipients === null ||
        recipients.some(({ channels, workflow }) => workflow || channels.some(({ channel }) => channel !== 'in_app')),
    )
    if (outgoing) hints.workDue()
  }

  const runFast = async (): Promise<void> => {
    running.fast += 1
    // One turn of the event loop: the requests that arrived in the same read of the sockets travel together.
    await nextTurn()
    while (fast.length > 0) {
      const contested = await run(takeBatch(fast), false)
      calmAfter = contested.length > 0 ? CALM_BATCHES : Math.max(0, calmAfter - 1)
      slow.push(...contested)
      if (contested.length > 0 && !running.slow) void runSlow()
      if (running.fast > 1 && calmAfter > 0) break
    }
    running.fast -= 1
  }

  const openFastLane = (): void => {
    const second = running.fast === 1 && calmAfter === 0 && fast.length >= SECOND_LANE_FROM
    if (running.fast === 0 || second) void runFast()
  }

  const makeMissing = async ({ item }: Waiting): Promise<void> => {
    try {
      await known.load(item.tenantId, item.recipientIds)
    } catch {
      // Where the database is away, the next attempt fails as well, and its caller is told.
    }
  }

  const runSlow = async (): Promise<void> => {
    running.slow = true
    let pause = FIRST_PAUSE_MS
    while (slow.length > 0) {
      const contested = await run(takeBatch(slow), true)
      if (contested.length === 0) {
        pause = FIRST_PAUSE_MS
        continue
      }
      // Somebody else holds their keys, and commits soon; or their inboxes were missing, and are made first.
      slow.push(...contested)
      await Promise.all([delay(pause), ...contested.map(makeMissing)])
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    }
    running.slow = false
  }

  const enqueue = (item: PreparedTrigger): Promise<Committed> =>
    new Promise((resolve, reject) => {
      const large = weightOf(item) > MAX_RECIPIENTS || item.laterTopics.length > 0
      ;(large ? slow : fast).push({ item, resolve, reject })
      if (large) {
        if (!running.slow) void runSlow()
      } else openFastLane()
    })

  return enqueue
}
