import type { Adapter, OutgoingMessage } from './adapter.ts'

/** An adapter that can be asked what it was given. */
export interface MemoryAdapter extends Adapter {
  /** Everything since the start or the last `clear()`, in order of arrival. */
  readonly messages: readonly OutgoingMessage[]
  clear(): void
}

/** Keeps what it is given, for tests: nothing is sent, and nothing is ever let go of but by `clear()`. */
export const memory = ({ name = 'memory' }: { name?: string } = {}): MemoryAdapter => {
  const messages: OutgoingMessage[] = []
  return {
    name,
    messages,
    clear() {
      messages.length = 0
    },
    async deliver(message) {
      messages.push(message)
      return { outcome: 'accepted' }
    },
  }
}
