import type { DeliveryStatus } from '../delivery.ts'
import type { WorkflowOutcome } from './definition.ts'
import type { CancelReason, RunEvent } from './run.ts'

/** A delivery that has just become terminal. */
export interface EndedDelivery {
  readonly deliveryId: string
  /** Whether it is a step's; others of the notification are heard of as signals alone. */
  readonly isStep: boolean
  readonly status: DeliveryStatus
  readonly suppressionReason: string | null
}

const OUTCOMES: ReadonlySet<string> = new Set<WorkflowOutcome>([
  'retries_exhausted',
  'permanent_failure',
  'bounced',
  'expired',
])
const CANCELS: ReadonlySet<string> = new Set<CancelReason>([
  'cancelled_by_operator',
  'event_cancelled',
  'recipient_erased',
  'expired',
])

/** What a step's end is to its run; `null` where it is none. */
const endEvent = ({ deliveryId, status, suppressionReason }: EndedDelivery): RunEvent | null => {
  const ended = (outcome: WorkflowOutcome): RunEvent => ({ kind: 'ended', deliveryId, outcome, suppressionReason })
  if (status === 'succeeded' || status === 'digested') return ended('delivered')
  if (status === 'suppressed') return ended('suppressed')
  if (status !== 'cancelled' || suppressionReason === null) return null
  if (OUTCOMES.has(suppressionReason)) return ended(suppressionReason as WorkflowOutcome)
  return CANCELS.has(suppressionReason)
    ? { kind: 'cancelled', reason: suppressionReason as CancelReason, deliveryId }
    : null
}

/** What is told of a delivery from within. */
export const DELIVERY_SIGNALS = ['delivery.succeeded', 'delivery.bounced', 'delivery.failed'] as const
export type DeliverySignal = (typeof DELIVERY_SIGNALS)[number]

export const NOTIFICATION_SIGNALS = ['notification.seen', 'notification.read', 'notification.archived'] as const
export type NotificationSignal = (typeof NOTIFICATION_SIGNALS)[number]

/** Names that only the service itself gives. */
export const isInnerSignal = (name: string): boolean => /^(notification|delivery)\./.test(name)

/** What is said of a delivery counts once for it, however often its provider repeats itself. */
export const deliverySignal = (name: DeliverySignal, deliveryId: string): RunEvent => ({
  kind: 'signal',
  name,
  once: `${name} ${deliveryId}`,
})

/** What is done to an item counts the first time. */
export const notificationSignal = (name: NotificationSignal): RunEvent => ({ kind: 'signal', name, once: name })

const signalOf = ({ status, suppressionReason }: EndedDelivery): DeliverySignal | null => {
  if (status === 'succeeded') return 'delivery.succeeded'
  if (status !== 'cancelled') return null
  if (suppressionReason === 'bounced') return 'delivery.bounced'
  return suppressionReason === 'permanent_failure' || suppressionReason === 'retries_exhausted'
    ? 'delivery.failed'
    : null
}

/** What a delivery's end is to the run of its notification: the end of a step, and what is told of every delivery. */
export const eventsOfEnd = (delivery: EndedDelivery): readonly RunEvent[] => {
  const end = delivery.isStep ? endEvent(delivery) : null
  const signal = signalOf(delivery)
  return [...(end ? [end] : []), ...(signal ? [deliverySignal(signal, delivery.deliveryId)] : [])]
}
