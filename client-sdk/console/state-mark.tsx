import type { JSX } from 'react'
import type { DeliveryStatus, OrchestrationState } from './generated/operations.ts'

export interface State {
  readonly status: DeliveryStatus
  readonly orchestrationState: OrchestrationState
  readonly waitingFor: string | null
}

type Tone = 'good' | 'bad' | 'wait' | 'off'

const TONES: Readonly<Record<DeliveryStatus, Tone>> = {
  PENDING: 'wait',
  DISPATCHED: 'wait',
  SUCCEEDED: 'good',
  FAILED: 'bad',
  SUPPRESSED: 'off',
  CANCELLED: 'bad',
  DIGESTED: 'good',
}

/** A shape for each, since not everybody sees colours. */
const SHAPES: Readonly<Record<Tone, string>> = { good: '●', bad: '✕', wait: '◔', off: '○' }

const wordsOf = ({ status, orchestrationState, waitingFor }: State): string => {
  if (status === 'PENDING' && orchestrationState !== 'READY') return orchestrationState.toLowerCase().replace('_', ' ')
  return status === 'DISPATCHED' && waitingFor === 'operator' ? 'hangs' : status.toLowerCase()
}

/** What became of a delivery, in a word. */
export const StateMark = ({ state }: { readonly state: State }): JSX.Element => {
  const words = wordsOf(state)
  const tone = words === 'hangs' ? 'bad' : TONES[state.status]
  return (
    <span className="state" data-tone={tone}>
      <span aria-hidden="true">{SHAPES[tone]}</span> {words}
    </span>
  )
}

/** Whether it can be tried again by hand, as far as its state shows; the server has the last word. */
export const mayRetry = ({ status, waitingFor }: State): boolean =>
  status === 'FAILED' || status === 'CANCELLED' || (status === 'DISPATCHED' && waitingFor === 'operator')

export const mayCancel = ({ status, waitingFor }: State): boolean =>
  status === 'PENDING' || status === 'FAILED' || (status === 'DISPATCHED' && waitingFor === 'operator')

export const mayResume = ({ status, orchestrationState }: State): boolean =>
  status === 'PENDING' && orchestrationState !== 'READY'
