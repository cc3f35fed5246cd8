/** Those who want to hear of changes, and what is done as long as there are any. */
export interface Listeners {
  readonly count: number
  readonly subscribe: (listener: () => void) => () => void
  tell(): void
}

/** `whileAny` is called for each one that comes, and what it answers when that one goes. */
export const createListeners = (whileAny: () => () => void = () => () => {}): Listeners => {
  const listeners = new Set<{ readonly tell: () => void }>()
  return {
    get count() {
      return listeners.size
    },
    subscribe(tell) {
      // The same function may be given twice.
      const listener = { tell }
      listeners.add(listener)
      const leave = whileAny()
      return () => {
        if (listeners.delete(listener)) leave()
      }
    },
    tell() {
      for (const { tell } of [...listeners]) tell()
    },
  }
}
