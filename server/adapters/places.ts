/** So many may be inside at once; who comes later waits for a place, in order. */
export interface Places {
  /** A place, or `null` where the signal ended the wait. The place is to be given back by calling it, once. */
  take(signal: AbortSignal): Promise<(() => void) | null>
  /** How many wait now. */
  waiting(): number
  /** How many are inside now. */
  taken(): number
}

export const openPlaces = (size: number): Places => {
  const queue = new Set<() => void>()
  let taken = 0
  const leave = (): void => {
    taken -= 1
    const [next] = queue
    next?.()
  }
  const enter = (): (() => void) => {
    taken += 1
    return leave
  }
  return {
    take(signal) {
      if (signal.aborted) return Promise.resolve(null)
      if (taken < size) return Promise.resolve(enter())
      return new Promise((resolve) => {
        const end = (place: (() => void) | null): void => {
          queue.delete(called)
          signal.removeEventListener('abort', given)
          resolve(place)
        }
        const called = (): void => end(enter())
        const given = (): void => end(null)
        queue.add(called)
        signal.addEventListener('abort', given, { once: true })
      })
    },
    waiting: () => queue.size,
    taken: () => taken,
  }
}
