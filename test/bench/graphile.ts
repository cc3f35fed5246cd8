import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Job, run as Run, TaskList } from 'graphile-worker'

/** Another install of it to measure beside, such as a newer one: the folder of the package. */
const FOLDER = process.env['BENCH_GRAPHILE_WORKER']
const require = createRequire(import.meta.url)

export interface Graphile {
  readonly version: string
  /** Whether this version takes jobs in batches: from 0.17 on. */
  readonly batches: boolean
  /** Runs a worker with these settings until `finished` resolves. */
  work(settings: {
    readonly databaseUrl: string
    readonly tuned: boolean
    readonly task: (job: Job) => void
    readonly finished: Promise<void>
  }): Promise<void>
}

/**
 * As its documentation tunes it for many short jobs: a local queue that fetches them by the hundred, and completions
 * that share statements. What else there is to set is left as it comes.
 */
const TUNED = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
}

export const loadGraphile = async (): Promise<Graphile> => {
  const folder = FOLDER ?? dirname(require.resolve('graphile-worker/package.json'))
  const { version, main } = require(join(folder, 'package.json')) as { version: string; main: string }
  const { run, Logger } = (await import(pathToFileURL(join(folder, main)).href)) as {
    run: typeof Run
    Logger: new (factory: () => () => void) => never
  }
  const [, minor] = version.split('.').map(Number)
  return {
    version,
    batches: (minor ?? 0) >= 17,
    async work({ databaseUrl, tuned, task, finished }) {
      const taskList: TaskList = { nothing: (_payload, { job }) => task(job) }
      const runner = await run({
        connectionString: databaseUrl,
        taskList,
        noHandleSignals: true,
        logger: new Logger(() => () => {}),
        parsedCronItems: [],
        ...(tuned && { preset: { worker: TUNED }, concurrency: TUNED.concurrentJobs, maxPoolSize: TUNED.maxPoolSize }),
      })
      await finished
      await runner.stop()
    },
  }
}
