import { nameOf } from '../../core/name-of.ts'
import { stepOf } from '../../core/workflow/definition.ts'
import { isOver, type Run, type RunEvent, type RunState } from '../../core/workflow/run.ts'
import type { InboxRow } from '../../db/sql/lock-inboxes.ts'
import type { RunRow } from '../../db/sql/lock-runs.ts'
import { type NewDelivery, writePlans } from '../../db/sql/write-plans.ts'
import { type MovedRun, moveRuns, type RunKey } from '../../db/sql/write-runs.ts'
import type { Transaction } from '../../db/transaction.ts'
import { newId } from '../../ids.ts'
import { canRenderStep } from '../../notifiers/workflow.ts'
import type { Capabilities } from '../capabilities.ts'
import { type DigestSight, NO_DIGESTS, readDigests, writeDigests } from '../digests/accumulate.ts'
import type { EraseSecrets } from '../erase-secrets.ts'
import { bookFacts, type FactBook, type MovingFacts, readFacts } from '../facts.ts'
import { newExpansion, type PlannedEvent, planDelivery, skipDelivery } from '../trigger/expand.ts'
import { endOfPlanned } from './begin.ts'
import { follow } from './follow.ts'

/** What happened to a run in this transaction, oldest first. */
export interface RunCause extends RunKey {
  readonly events: readonly RunEvent[]
}

/** What came of it, for whoever has committed. */
export interface AdvancedRuns {
  /** Whether a step was planned that is due now. */
  readonly workDue: boolean
  /** The deliveries of steps that were planned. */
  readonly planned: readonly NewDelivery[]
  /** The events whose runs are over. */
  readonly over: readonly (Parameters<EraseSecrets>[0][number] & { readonly state: RunState })[]
}

export const NOTHING_ADVANCED: AdvancedRuns = { workDue: false, planned: [], over: [] }

const toRun = (row: RunRow): Run => ({
  state: row.state,
  stepKey: row.step_key,
  deliveryId: row.delivery_id,
  statusReason: row.status_reason,
  waitingUntil: row.waiting_until,
  waitingFor: row.waiting_for,
  conditions: row.conditions,
  heard: row.heard,
  told: row.told,
})

const toEvent = (row: RunRow): PlannedEvent => ({
  tenantId: row.tenant_id,
  id: row.event_id,
  notificationKey: row.notification_key,
  version: row.notification_version,
  category: row.category,
  required: row.required,
  urgent: row.urgent,
  expiresAt: row.expires_at,
})

/** What nobody wants any more goes no further, whatever happened to it. */
const eventsFor = (row: RunRow, events: readonly RunEvent[], now: Date): readonly RunEvent[] =>
  row.state === 'waiting' && row.expires_at && row.expires_at <= now
    ? [{ kind: 'cancelled', reason: 'expired' }]
    : events

/** Whether any of these runs would come to a step that is to be planned. */
const comesToStep = (row: RunRow, events: readonly RunEvent[], now: Date): boolean => {
  let comes = false
  const plan = (): readonly RunEvent[] => {
    comes = true
    return []
  }
  follow(row.definition, toRun(row), { events, now, newId: () => '', plan })
  return comes
}

interface Subject {
  readonly row: RunRow
  readonly events: readonly RunEvent[]
}

/** What steps are planned from. */
interface Sight {
  readonly book: FactBook
  readonly digests: DigestSight
}

/** The facts of the recipients of runs that come to a step; none where no run does. */
const factsFor = async (
  tx: Transaction,
  subjects: readonly Subject[],
  { now, inboxes }: { readonly now: Date; readonly inboxes: readonly InboxRow[] },
): Promise<Sight | null> => {
  const concerned = subjects.filter(({ row, events }) => comesToStep(row, events, now))
  if (concerned.length === 0) return null
  const recipients = new Map(
    concerned.map(({ row }) => [
      nameOf(row.tenant_id, row.recipient_id),
      { tenantId: row.tenant_id, recipientId: row.recipient_id, position: null },
    ]),
  )
  const keys = [...recipients.values()]
  const held = concerned.filter(({ row }) => Object.values(row.channels).some(({ digest }) => digest))
  const [facts, digests] = await Promise.all([
    readFacts(tx, keys),
    held.length > 0
      ? readDigests(
          tx,
          held.map(({ row }) => ({ tenantId: row.tenant_id, recipientId: row.recipient_id })),
        )
      : NO_DIGESTS,
  ])
  return { book: bookFacts(inboxes, { keys, facts }), digests }
}

/**
 * Moves runs on by what has just happened in this transaction, and plans the steps that they come to, all in as many
 * statements as for one. Every way in which a delivery ends, a wait is over or a signal comes leads here. The runs must
 * be locked, and the inboxes of those that may plan a step, before what happened to them was written; `readClock` comes
 * before. `inboxes` say where those stand after what this transaction has done to them. What a step's content is made of
 * is run when it is sent: no code of the host's is called here.
 */
export const advanceRuns = async (
  tx: Transaction,
  { needsAddress, defaultTimeZone, notifiers }: Pick<Capabilities, 'needsAddress' | 'defaultTimeZone' | 'notifiers'>,
  {
    runs,
    causes,
    inboxes,
    now,
  }: {
    readonly runs: readonly RunRow[]
    readonly causes: readonly RunCause[]
    readonly inboxes: readonly InboxRow[]
    readonly now: Date
  },
): Promise<AdvancedRuns> => {
  const happened = new Map<string, RunEvent[]>()
  for (const { tenantId, id, events } of causes) {
    const name = nameOf(tenantId, id)
    happened.set(name, [...(happened.get(name) ?? []), ...events])
  }
  const subjects = runs.flatMap((row) => {
    const events = happened.get(nameOf(row.tenant_id, row.id))
    return events ? [{ row, events: eventsFor(row, events, now) }] : []
  })
  if (subjects.length === 0) return NOTHING_ADVANCED
  const sight = await factsFor(tx, subjects, { now, inboxes })
  const planning = { now, defaultTimeZone, newId, digests: sight?.digests ?? NO_DIGESTS }
  const rows = newExpansion()

  const planFor =
    (row: RunRow, facts: MovingFacts) =>
    (stepKey: string): readonly RunEvent[] => {
      const { notification_key: key, recipient_id: recipientId, id: notificationId } = row
      const channel = stepOf(row.definition, stepKey)?.channel ?? ''
      const place = { notificationId, recipientId, stepKey, inRun: true, facts, planning }
      const chosen = row.channels[channel]
      if (chosen && !canRenderStep(notifiers.get(key), { stepKey, channel })) return [{ kind: 'unplannable', stepKey }]
      const planned = chosen
        ? planDelivery(rows, toEvent(row), {
            ...place,
            channel: { ...chosen, channel, needsAddress: needsAddress(channel), content: null },
          })
        : skipDelivery(rows, toEvent(row), { ...place, channel, reason: 'channel_not_selected' })
      return [{ kind: 'planned', stepKey, deliveryId: planned.id }, ...endOfPlanned(planned, true)]
    }

  const moved = subjects.map(({ row, events }): MovedRun => {
    const facts = sight?.book.of({ tenantId: row.tenant_id, recipientId: row.recipient_id })
    const plan = (stepKey: string): readonly RunEvent[] => {
      if (!facts) throw new Error(`the inbox of the recipient of run ${row.id} is not locked`)
      return planFor(row, facts)(stepKey)
    }
    return {
      tenantId: row.tenant_id,
      id: row.id,
      ...follow(row.definition, toRun(row), { events, now, newId, plan }),
      transitionCount: row.transition_count,
      expiresAt: row.expires_at,
    }
  })
  await Promise.all([
    rows.deliveries.length > 0
      ? tx.query(writePlans({ ...rows, events: [], inboxes: sight?.book.advances() ?? [] }, now))
      : null,
    tx.query(moveRuns(moved, now)),
    ...writeDigests(rows.digests, now).map((statement) => tx.query(statement)),
  ])
  return {
    workDue: rows.deliveries.some(({ status }) => status === 'pending'),
    planned: rows.deliveries,
    over: subjects.flatMap(({ row }, index) =>
      isOver((moved[index] as MovedRun).run)
        ? [
            {
              tenant_id: row.tenant_id,
              id: row.event_id,
              has_secrets: row.has_secrets,
              recipient_count: row.recipient_count,
              state: (moved[index] as MovedRun).run.state,
            },
          ]
        : [],
    ),
  }
}
