import { isTerminal } from '../../core/delivery.ts'
import { newRun } from '../../core/workflow/advance.ts'
import { stepOf } from '../../core/workflow/definition.ts'
import { eventsOfEnd } from '../../core/workflow/ending.ts'
import type { RunEvent } from '../../core/workflow/run.ts'
import type { NewRun, RunChannel } from '../../db/sql/write-runs.ts'
import type { PlannedDelivery, PlannedEvent, Planning } from '../trigger/expand.ts'
import type { PreparedChannel } from '../trigger/prepare.ts'
import { follow } from './follow.ts'
import type { PreparedWorkflow } from './prepare.ts'

interface Beginning {
  readonly event: PlannedEvent
  readonly notificationId: string
  readonly recipientId: string
  /** Chosen channels that no step names: planned now as well. */
  readonly others: readonly PreparedChannel[]
  readonly planning: Planning
  /** Plans a delivery, for a step where one is named. */
  readonly add: (channel: PreparedChannel, stepKey?: string) => PlannedDelivery
  /** Records the delivery of a step whose channel was not chosen. */
  readonly skip: (channel: string, stepKey: string) => PlannedDelivery
}

/** What the end of a delivery that was just planned is to its run; nothing where it is under way. */
export const endOfPlanned = (
  { id: deliveryId, status, suppressionReason }: Pick<PlannedDelivery, 'id' | 'status' | 'suppressionReason'>,
  isStep: boolean,
): readonly RunEvent[] => (isTerminal(status) ? eventsOfEnd({ deliveryId, isStep, status, suppressionReason }) : [])

const storedChannel = ({ renderKey, renderVersion, fallbackMs, digest }: PreparedChannel): RunChannel => ({
  renderKey,
  renderVersion,
  fallbackMs,
  digest,
})

/** Begins one recipient's run: plans its first step, and whatever follows from that at once, then the other channels. */
export const beginRun = (
  { definition, conditions, channels, contents }: PreparedWorkflow,
  { event, notificationId, recipientId, others, planning, add, skip }: Beginning,
): NewRun => {
  const plan = (stepKey: string): readonly RunEvent[] => {
    const name = stepOf(definition, stepKey)?.channel ?? ''
    const chosen = channels.get(name)
    const planned = chosen ? add({ ...chosen, content: contents.get(stepKey) ?? null }, stepKey) : skip(name, stepKey)
    return [{ kind: 'planned', stepKey, deliveryId: planned.id }, ...endOfPlanned(planned, true)]
  }
  const how = { now: planning.now, newId: planning.newId, plan }
  const started = follow(definition, newRun(definition, conditions), { ...how, events: [{ kind: 'started' }] })
  const events = others.flatMap((channel) => endOfPlanned(add(channel), false))
  const { run, moves } = follow(definition, started.run, { ...how, events })
  return {
    tenantId: event.tenantId,
    id: notificationId,
    eventId: event.id,
    recipientId,
    definition,
    channels: Object.fromEntries([...channels].map(([name, channel]) => [name, storedChannel(channel)])),
    run,
    moves: [...started.moves, ...moves],
    transitionCount: 0,
    expiresAt: event.expiresAt,
  }
}
