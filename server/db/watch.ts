import type { Database } from './client.ts'
import { type LifelineState, openLifeline } from './lifeline.ts'

/** Whether the database answers, as one connection of its own finds out all the time. */
export interface DatabaseWatch {
  /** False within 2 seconds of the database's loss, and true within 5 of its return. */
  readonly ready: boolean
  close(): Promise<void>
}

/** The server answers, and says that it has no place for one more connection: those that stand go on. */
const isCrowded = (error: (Error & { code?: unknown }) | undefined): boolean =>
  typeof error?.code === 'string' && error.code.startsWith('53')

/**
 * Watches a database that has just answered. Once it is lost, the pools refuse at once what would only wait in vain, and
 * give up what is under way, which would wait for as long as the network keeps it.
 */
export const watchDatabase = (
  { url, db }: { readonly url: string; readonly db: Pick<Database, 'letThrough'> },
  onState: (state: LifelineState, error?: Error) => void,
): DatabaseWatch => {
  let ready = true
  const lifeline = openLifeline({
    url,
    name: 'carillon watch',
    onState(state, error) {
      if (state === 'gone' && isCrowded(error)) return
      ready = state === 'alive'
      // Told first: what comes of the loss is then known to be that.
      onState(state, error)
      if (state !== 'silent') db.letThrough(ready)
    },
  })
  return {
    get ready() {
      return ready
    },
    close: () => lifeline.close(),
  }
}
