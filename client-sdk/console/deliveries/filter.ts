import type { DeliveryFilter } from '../generated/operations.ts'
import { type Span, sinceOf, spanOf } from '../instants.ts'
import type { Route } from '../route.ts'

/** The choices of states, by what stands in the address. */
export const STATES = {
  trouble: { words: 'in trouble', status: ['FAILED', 'CANCELLED'] },
  hanging: { words: 'hanging', awaitsOperator: true },
  pending: { words: 'pending', status: ['PENDING', 'DISPATCHED'] },
  succeeded: { words: 'succeeded', status: ['SUCCEEDED'] },
  failed: { words: 'failed for now', status: ['FAILED'] },
  suppressed: { words: 'suppressed', status: ['SUPPRESSED'] },
  cancelled: { words: 'cancelled', status: ['CANCELLED'] },
  digested: { words: 'digested', status: ['DIGESTED'] },
} as const satisfies Record<string, { readonly words: string } & DeliveryFilter>

const ofState = (state: keyof typeof STATES): DeliveryFilter => {
  const { words: _, ...filter } = STATES[state]
  return filter
}

/** A list without a recipient, an event or a mark goes back for no longer than this, unless asked to. */
const DEFAULT_SPAN: Span = '24h'

/** How far back a list goes; `all` where it is narrow anyway. */
export const spanOfRoute = ({ parameters }: Route): Span | 'all' => {
  const { recipient, event, correlation, notification, since } = parameters
  if (since === 'all') return 'all'
  return since === undefined && (recipient || event || correlation || notification)
    ? 'all'
    : spanOf(since, DEFAULT_SPAN)
}

/** The filter that the address of a list asks for. */
export const filterOf = (route: Route): DeliveryFilter => {
  const { key, channel, state, recipient, event, correlation, notification, reason } = route.parameters
  const span = spanOfRoute(route)
  return {
    ...(key && { notificationKey: key }),
    ...(channel && { channel }),
    ...(state && Object.hasOwn(STATES, state) && ofState(state as keyof typeof STATES)),
    ...(recipient && { recipientId: recipient }),
    ...(event && { eventId: event }),
    ...(notification && { notificationId: notification }),
    ...(correlation && { correlationId: correlation }),
    ...(reason && { suppressionReason: reason }),
    ...(span !== 'all' && { insertedAfter: sinceOf(span) }),
  }
}
