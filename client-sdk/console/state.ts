import type { DeliveryStatus, OrchestrationState } from './generated/operations.ts'

/** As much of a delivery as says how it stands. */
export interface State {
  readonly status: DeliveryStatus
  readonly orchestrationState: OrchestrationState
  readonly waitingFor: string | null
}

/** Whether its worker died in mid-call, so that it waits for an operator. */
export const hangs = ({ status, waitingFor }: State): boolean => status === 'DISPATCHED' && waitingFor === 'operator'

/** Whether it can be tried again by hand, as far as its state shows; the server has the last word. */
export const mayRetry = (state: State): boolean =>
  state.status === 'FAILED' || state.status === 'CANCELLED' || hangs(state)

export const mayCancel = (state: State): boolean =>
  state.status === 'PENDING' || state.status === 'FAILED' || hangs(state)

export const mayResume = ({ status, orchestrationState }: State): boolean =>
  status === 'PENDING' && orchestrationState !== 'READY'
