/**
 * Joins calls that come while one is under way into the next one, so that concurrent callers share round trips. Each
 * run gets at most `limit` items; a run that fails rejects its own items alone.
 */
export const coalesce = <Item, Answer>(
  run: (items: readonly Item[]) => Promise<readonly Answer[]>,
  { limit }: { readonly limit: number },
): ((item: Item) => Promise<Answer>) => {
  type Waiting = {
    readonly item: Item
    readonly resolve: (answer: Answer) => void
    readonly reject: (error: unknown) => void
  }
  const waiting: Waiting[] = []
  let running = false

  const loop = async (): Promise<void> => {
    running = true
    // One turn of the event loop: the requests that arrived in the same read of the sockets travel together.
    await new Promise(setImmediate)
    while (waiting.length > 0) {
      const batch = waiting.splice(0, limit)
      try {
        const answers = await run(batch.map(({ item }) => item))
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    running = false
  }

  return (item) =>
    new Promise<Answer>((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!running) void loop()
    })
}
