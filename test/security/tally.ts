import { expect } from 'vitest'

export interface Tally {
  /** Counts one attack; `what` names it where it got through. */
  tried(what: string, gotThrough: boolean): void
  /** Says how many there were in one line, and fails where one got through. To be called once all are done. */
  report(): void
}

/** Counts the attacks of one kind: `S3: 312 tried, 0 got through`. */
export const tallyOf = (id: string): Tally => {
  let count = 0
  const through: string[] = []
  return {
    tried(what, gotThrough) {
      count += 1
      if (gotThrough) through.push(what)
    },
    report() {
      process.stdout.write(`${id}: ${count} tried, ${through.length} got through\n`)
      expect(through).toEqual([])
      expect(count).toBeGreaterThan(0)
    },
  }
}
