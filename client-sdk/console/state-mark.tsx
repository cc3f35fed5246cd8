import type { JSX } from 'react'
import type { DeliveryStatus } from './generated/operations.ts'
import { Mark, type Tone } from './mark.tsx'
import { hangs, type State } from './state.ts'

const TONES: Readonly<Record<DeliveryStatus, Tone>> = {
  PENDING: 'wait',
  DISPATCHED: 'wait',
  SUCCEEDED: 'good',
  FAILED: 'bad',
  SUPPRESSED: 'off',
  CANCELLED: 'bad',
  DIGESTED: 'good',
}

/** What became of a delivery, in a word. */
export const StateMark = ({ state }: { readonly state: State }): JSX.Element => {
  const { status, orchestrationState } = state
  if (hangs(state)) return <Mark tone="bad">hangs</Mark>
  const held = status === 'PENDING' && orchestrationState !== 'READY'
  return <Mark tone={TONES[status]}>{(held ? orchestrationState : status).toLowerCase().replace('_', ' ')}</Mark>
}
