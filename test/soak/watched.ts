import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from '../support/until.ts'
import type { Answer, OwnSample, Question, ServiceSettings } from './protocol.ts'

const MAIN = fileURLToPath(new URL('service.ts', import.meta.url))

/** The service in a process of its own, so that what is measured of it is its own. */
export interface Watched {
  readonly url: string
  sample(): Promise<OwnSample>
  /** Prunes what is over; answers how many events that were. */
  prune(): Promise<number>
  /** Stops it in order, and answers its exit code and how long that took, in milliseconds. */
  stop(): Promise<{ readonly code: number | null; readonly ms: number }>
  kill(): void
}

/** Starts it; where it `collects`, it collects what is garbage whenever it looks at itself. */
export const startWatched = async (
  settings: ServiceSettings,
  { collects }: { readonly collects: boolean },
): Promise<Watched> => {
  const child = fork(MAIN, [], {
    execArgv: ['--import', 'tsx', ...(collects ? ['--expose-gc'] : [])],
    env: { ...process.env, CARILLON_SOAK_SERVICE: JSON.stringify(settings) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let exit: { code: number | null } | undefined
  child.once('exit', (code) => {
    exit = { code }
  })
  /** The first answer that fits, or a word about how it ended. */
  const answer = <T>(pick: (answer: Answer) => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const gone = (code: number | null): void => reject(new Error(`The service ended by itself: ${code}`))
      const hear = (message: Answer): void => {
        const picked = pick(message)
        if (picked === undefined) return
        child.off('message', hear)
        child.off('exit', gone)
        resolve(picked)
      }
      child.on('message', hear)
      child.once('exit', gone)
    })
  const ask = <T>(question: Question, pick: (answer: Answer) => T | undefined): Promise<T> => {
    const answered = answer(pick)
    child.send(question)
    return answered
  }
  const url = await answer((message) => ('url' in message ? message.url : undefined))
  return {
    url,
    sample: () => ask('sample', (message) => ('sample' in message ? message.sample : undefined)),
    prune: () => ask('prune', (message) => ('pruned' in message ? message.pruned : undefined)),
    async stop() {
      const begun = performance.now()
      child.kill('SIGTERM')
      const { code } = await until('it has stopped', () => exit, { within: 60_000 })
      return { code, ms: performance.now() - begun }
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
