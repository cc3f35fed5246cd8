import { setTimeout as delay } from 'node:timers/promises'
import { databaseFailure } from '../db/errors.ts'

const CONTENDED_PAUSE_MS = 20
const MOST_CONTENDED_TRIES = 10

/** What `run` throws where it finds one of several items bad: the batch is halved until that one stands alone. */
export class BatchFault extends Error {
  override readonly name = 'BatchFault'
}

const untilUncontended = async <T>(run: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await run()
    } catch (error) {
      if (databaseFailure(error) !== 'contention' || tries === MOST_CONTENDED_TRIES) throw error
      await delay(CONTENDED_PAUSE_MS * tries)
    }
  }
}

/**
 * Runs a batch, each item with an outcome of its own. Where the database refuses the data of one of them, or `run`
 * throws by itself, the batch is halved until that one stands alone: the others are none the worse for it. A deadlock is
 * tried again, and a database that is away fails them all.
 */
export const halving = async <Item, Answer>(
  items: readonly Item[],
  run: (items: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<readonly PromiseSettledResult<Answer>[]> => {
  try {
    const answers = await untilUncontended(() => run(items))
    return answers.map((value) => ({ status: 'fulfilled', value }))
  } catch (reason) {
    const failure = databaseFailure(reason)
    // A fault of the code's may lie in one of them as well.
    const isOneBad = reason instanceof BatchFault || failure === 'bad_data' || failure === null
    if (!isOneBad || items.length <= 1) {
      return items.map(() => ({ status: 'rejected', reason }))
    }
    const middle = Math.ceil(items.length / 2)
    return [...(await halving(items.slice(0, middle), run)), ...(await halving(items.slice(middle), run))]
  }
}
