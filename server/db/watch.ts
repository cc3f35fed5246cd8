import type { Database } from './client.ts'
import { type LifelineState, openLifeline } from './lifeline.ts'

/** Whether the database answers, as one connection of its own finds out all the time. */
export interface DatabaseWatch {
  /** False within 2 seconds of the database's loss, and true within 5 of its return. */
  readonly ready: boolean
  close(): Promise<void>
}

/**
 * Watches a database that has just answered. Once it is lost, the pools refuse at once what would only wait in vain, and
 * give up what is under way, which would wait for as long as the network keeps it.
 */
export const watchDatabase = (
  { url, db }: { readonly url: string; readonly db: Pick<Database, 'letThrough'> },
  onState: (state: Exclude<LifelineState, 'crowded'>, error?: Error) => void,
): DatabaseWatch => {
  let ready = true
  const lifeline = openLifeline({
    url,
    name: 'carillon watch',
    onState(state, error) {
      // Those that stand go on.
      if (state === 'crowded') return
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
