import { type Breaker, breakerState, CLOSED, countCall } from '../core/breaker.ts'
import type { Adapter } from './adapter.ts'
import type { Route } from './routing.ts'

/** The breakers of this process, one for each adapter: what one worker finds dead, another finds out by itself. */
export interface Breakers {
  /** Whether a call may be made: of a provider whose rest is over one at a time, to try it out. */
  admits(adapter: Adapter): boolean
  /** A call begins. It is to be told how it ended. */
  calling(adapter: Adapter): (end: CallEnd) => void
  /** How many deliveries of a route may be begun: all that it can carry, one to try a provider out, or none. */
  capacityOf(route: Route): number
}

/** How a call ended: the provider gave an answer of its own, it did not, or nobody waited for it. */
export type CallEnd = 'answered' | 'failed' | 'given_up'

export const openBreakers = (now: () => number = () => performance.now()): Breakers => {
  const breakers = new Map<Adapter, Breaker>()
  const underWay = new Map<Adapter, number>()
  const count = (adapter: Adapter, step: 1 | -1): void => {
    underWay.set(adapter, (underWay.get(adapter) ?? 0) + step)
  }
  const stateOf = (adapter: Adapter) => breakerState(breakers.get(adapter) ?? CLOSED, now())
  const capacityOf: Breakers['capacityOf'] = ({ adapters, concurrency }) => {
    const states = adapters.map(({ adapter }) => stateOf(adapter))
    if (states.includes('closed')) return concurrency
    return states.includes('half_open') ? 1 : 0
  }
  return {
    admits: (adapter) => {
      const state = stateOf(adapter)
      return state === 'closed' || (state === 'half_open' && (underWay.get(adapter) ?? 0) === 0)
    },
    calling: (adapter) => {
      count(adapter, 1)
      return (end) => {
        count(adapter, -1)
        if (end === 'given_up') return
        breakers.set(adapter, countCall(breakers.get(adapter) ?? CLOSED, { failed: end === 'failed', now: now() }))
      }
    },
    capacityOf,
  }
}
