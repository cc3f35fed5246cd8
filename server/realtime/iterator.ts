/**
 * An iterator whose `return` ends it at once, also in the midst of waiting. By hand, and no generator: the return of an
 * async generator waits for its next value, which may never come.
 */
export const iterate = <T>(
  ask: () => Promise<IteratorResult<T, undefined>>,
  leave: () => void,
): AsyncIterableIterator<T, undefined> => {
  let left = false
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => (left ? Promise.resolve({ value: undefined, done: true }) : ask()),
    return() {
      left = true
      leave()
      return Promise.resolve({ value: undefined, done: true })
    },
  }
}
