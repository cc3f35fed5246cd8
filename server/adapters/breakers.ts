import { type Breaker, breakerState, CLOSED, countCall, restMs } from '../core/breaker.ts'
import type { Adapter } from './adapter.ts'
import { openPlaces, type Places } from './places.ts'
import type { Route, RoutedAdapter, Routes } from './routing.ts'

/**
 * What stands before each adapter in this process, whatever channels list it: places, of which there are so many, and a
 * breaker. What one worker finds dead, another finds out by itself.
 */
export interface Breakers {
  /** Waits for a place. Of a provider whose rest is over one call at a time is let in, to try it out. */
  enter(adapter: RoutedAdapter, signal: AbortSignal): Promise<Admission>
  /** How many deliveries of a route may be begun: as many as find a place, one to try a provider out, or none. */
  capacityOf(route: Route): number
  /** How each adapter stands, by its name. */
  states(routes: Routes): ReadonlyMap<string, BreakerState>
}

export type Admission =
  /** It is to be told how the call ended: until then its place is taken. */
  | { readonly admitted: true; readonly ended: (end: CallEnd) => void }
  /** The provider rests: not before so many milliseconds. */
  | { readonly admitted: false; readonly because: 'breaker'; readonly retryAfterMs: number }
  /** The wait was ended by its signal. */
  | { readonly admitted: false; readonly because: 'given_up' }

/** How a call ended: the provider gave an answer of its own, it did not, or nobody waited for it. */
export type CallEnd = 'answered' | 'failed' | 'given_up'

interface Gate {
  readonly places: Places
  breaker: Breaker
}

export type BreakerState = ReturnType<typeof breakerState>

export const openBreakers = (now: () => number = () => performance.now()): Breakers => {
  const gates = new Map<Adapter, Gate>()
  const gateOf = ({ adapter, concurrency }: RoutedAdapter): Gate => {
    const known = gates.get(adapter)
    if (known) return known
    const gate = { places: openPlaces(concurrency), breaker: CLOSED }
    gates.set(adapter, gate)
    return gate
  }
  /** How long it rests yet; `null` where a call may be made, beside so many others. */
  const restOf = ({ breaker }: Gate, others: number) => restMs(breaker, { now: now(), underWay: others })

  return {
    async enter(routed, signal) {
      const gate = gateOf(routed)
      const rests = restOf(gate, gate.places.taken())
      if (rests !== null) return { admitted: false, because: 'breaker', retryAfterMs: rests }
      const leave = await gate.places.take(signal)
      if (!leave) return { admitted: false, because: 'given_up' }
      // Those before it may have found the provider dead.
      const restsNow = restOf(gate, gate.places.taken() - 1)
      if (restsNow !== null) {
        leave()
        return { admitted: false, because: 'breaker', retryAfterMs: restsNow }
      }
      return {
        admitted: true,
        ended: (end) => {
          if (end !== 'given_up') gate.breaker = countCall(gate.breaker, { failed: end === 'failed', now: now() })
          leave()
        },
      }
    },
    capacityOf({ adapters }) {
      const states = adapters.map((routed) => breakerState(gateOf(routed).breaker, now()))
      const used = adapters[states.indexOf('closed')]
      if (used) return Math.max(0, used.concurrency - gateOf(used).places.waiting())
      return states.includes('half_open') ? 1 : 0
    },
    states: (routes) =>
      new Map(
        [...routes.values()].flatMap(({ adapters }) =>
          adapters.map((routed) => [routed.adapter.name, breakerState(gateOf(routed).breaker, now())]),
        ),
      ),
  }
}
