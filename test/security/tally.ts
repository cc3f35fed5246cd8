import { afterAll, afterEach, beforeAll, expect, type RunnerTask } from 'vitest'
import { attemptsClaimed } from './claimed.ts'

export interface Tally {
  /** Counts one attack; `what` names it where it got through. */
  tried(what: string, gotThrough: boolean): void
  /**
   * Says how many there were in one line, and fails where one got through, or where there were fewer than
   * docs/security.md says of this file. To be called once all are done.
   */
  report(): void
}

const willRun = (task: RunnerTask): boolean =>
  task.mode !== 'skip' && (task.type !== 'suite' || task.tasks.every(willRun))

/** Counts the attacks of one kind: `S3: 312 tried, 0 got through`. */
export const tallyOf = (id: string): Tally => {
  const { testPath = '', currentTestName } = expect.getState()
  let count = 0
  let isWhole = true
  const through: string[] = []
  // Outside of a test, where there may be tests that whoever started them does not want to see.
  if (currentTestName === undefined) {
    // biome-ignore lint/correctness/noEmptyPattern: the first argument is told by its form, and the second is wanted.
    beforeAll(({}, suite) => {
      isWhole = willRun(suite)
    })
  }
  return {
    tried(what, gotThrough) {
      count += 1
      if (gotThrough) through.push(what)
    },
    report() {
      process.stdout.write(`${id}: ${count} tried, ${through.length} got through\n`)
      expect(through).toEqual([])
      expect(count).toBeGreaterThan(0)
      const claimed = attemptsClaimed(id, testPath)
      if (isWhole) expect(count, `fewer than docs/security.md says of ${id}`).toBeGreaterThanOrEqual(claimed)
    },
  }
}

/** Counts each test of the `describe` that it is called in as an attack, which got through where the test fails. */
export const countTests = ({ tried }: Tally): void => {
  afterEach(({ task }) => tried(task.name, task.result?.state === 'fail'))
}

/** The same for a file, or for its only `describe` of such attacks: counts, and reports by itself. */
export const everyTestCounts = (id: string): Tally => {
  const tally = tallyOf(id)
  countTests(tally)
  afterAll(() => tally.report())
  return tally
}
