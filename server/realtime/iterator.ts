/**
 * An iterator whose `return` ends it at once, also in the midst of waiting. By hand, and no generator: the return of an
 * async generator waits for its next value, which may never come. A class, since thousands of them wait at once.
 */
export abstract class Pulled<T> implements AsyncIterableIterator<T, undefined> {
  /** Who waits for the next value; `null` while nobody does. */
  protected asking: ((result: IteratorResult<T, undefined>) => void) | null = null
  private ended = false

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => {
      this.asking = resolve
      this.asked()
    })
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.end()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  get isAsking(): boolean {
    return this.asking !== null
  }

  /** Answers who waits. */
  give(value: T): void {
    const { asking } = this
    this.asking = null
    asking?.({ value, done: false })
  }

  /** Ends it, and tells who waits. */
  end(): void {
    if (this.ended) return
    this.ended = true
    const { asking } = this
    this.asking = null
    this.left()
    asking?.({ value: undefined, done: true })
  }

  /** Somebody waits for the next value. */
  protected abstract asked(): void
  /** Nobody will ask any more. */
  protected abstract left(): void
}
