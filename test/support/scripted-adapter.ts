import type { Adapter, OutgoingMessage } from '../../server/index.ts'

/** What an adapter does when it is called: answers this, or whatever the function does. */
export type Act = unknown | ((message: OutgoingMessage, signal: AbortSignal) => unknown)

export interface ScriptedAdapter extends Adapter {
  /** Every call, in order. */
  readonly calls: readonly OutgoingMessage[]
  /** What it does next, call by call; when all is done it accepts. */
  next(...acts: readonly Act[]): void
  /** Takes back what it was told to do next. */
  forget(): void
}

/** An adapter that does what it is told, well-behaved or not. */
export const scripted = (name: string, options: Partial<Adapter> = {}): ScriptedAdapter => {
  const calls: OutgoingMessage[] = []
  const acts: Act[] = []
  return {
    name,
    ...options,
    calls,
    next: (...more) => void acts.push(...more),
    forget: () => void acts.splice(0),
    deliver(message, signal) {
      calls.push(message)
      const act = acts.length > 0 ? acts.shift() : { outcome: 'accepted' }
      // An adapter may do anything at all, whatever its type says.
      return (typeof act === 'function' ? act(message, signal) : Promise.resolve(act)) as ReturnType<Adapter['deliver']>
    },
  }
}
