/** What comes by itself, read one after another with `for await`. */
export interface Stream<Value> {
  readonly iterator: AsyncIterableIterator<Value, undefined>
  /** There is something to take. */
  filled(): void
  /** Ends the stream after what was taken; with an error, the next read rejects with it. */
  end(error?: Error): void
}

export interface StreamSource<Value> {
  /** The next value; `null` where there is none yet. */
  take(): Value | null
  /** Somebody waits, and there is nothing: called again whenever that is so. */
  wanted(): void
  /** The reader has gone. */
  left(): void
}

interface Reader<Value> {
  resolve(result: IteratorResult<Value, undefined>): void
  reject(error: Error): void
}

/**
 * Makes a source readable. By hand, and no generator: the `return()` of an async generator waits for its next value,
 * which may never come.
 */
export const createStream = <Value>({ take, wanted, left }: StreamSource<Value>): Stream<Value> => {
  const readers: Reader<Value>[] = []
  let gone = false
  let ended = false
  let fault: Error | null = null

  const serve = (): void => {
    while (readers.length > 0) {
      const value = gone ? null : take()
      if (value === null) break
      readers.shift()?.resolve({ value, done: false })
    }
    if (!ended) return
    for (const reader of readers.splice(0)) {
      if (fault) reader.reject(fault)
      else reader.resolve({ value: undefined, done: true })
      fault = null
    }
  }

  const end = (error?: Error): void => {
    if (ended) return
    ended = true
    fault = error ?? null
    serve()
  }

  const iterator: AsyncIterableIterator<Value, undefined> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () =>
      new Promise((resolve, reject) => {
        readers.push({ resolve, reject })
        serve()
        if (readers.length > 0) wanted()
      }),
    return: () => {
      gone = true
      left()
      end()
      return Promise.resolve({ value: undefined, done: true })
    },
  }
  return { iterator, filled: serve, end }
}
