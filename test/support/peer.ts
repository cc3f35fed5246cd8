import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { GraphQLAnswer } from './carillon.ts'
import type { PeerPager } from './peer-config.ts'
import { until } from './until.ts'

export interface PeerSettings {
  readonly databaseUrl: string
  readonly secretKey: string
  readonly pager: PeerPager
  readonly leaseFor: `${number}s`
  /** How many calls of the pager it has open at once; the service's own default where left out. */
  readonly concurrency?: number
  /** Whether it carries out what is due, too. */
  readonly worker: boolean
  /** Left out: it answers requests. One that does not is there in half the time. */
  readonly door?: boolean
}

/** What a peer tells its parent. */
export type PeerMessage = { readonly url: string | null } | { readonly failure: string } | { readonly moment: string }

export interface PeerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The whole service in a process of its own. */
export interface Peer {
  readonly pid: number
  /** How it ended; `null` while it runs. */
  readonly exit: PeerExit | null
  readonly wsUrl: string
  /** What it reported as its own failures. */
  readonly failures: readonly string[]
  /** How often each of the moments worth counting came to pass. */
  readonly moments: ReadonlyMap<string, number>
  ask(credential: string, query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer>
  /** Makes a worker of one that was none. */
  work(): void
  /** Sends a signal, and resolves when the process has ended. */
  end(signal: NodeJS.Signals): Promise<PeerExit>
}

const MAIN = fileURLToPath(new URL('peer-main.ts', import.meta.url))

export const startPeer = async (settings: PeerSettings): Promise<Peer> => {
  const child = fork(MAIN, [], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, CARILLON_PEER: JSON.stringify(settings) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const failures: string[] = []
  const moments = new Map<string, number>()
  let url: string | null | undefined
  let exit: PeerExit | undefined
  child.on('message', (message: PeerMessage) => {
    if ('url' in message) url = message.url
    else if ('failure' in message) failures.push(message.failure)
    else moments.set(message.moment, (moments.get(message.moment) ?? 0) + 1)
  })
  child.on('exit', (code, signal) => {
    exit = { code, signal }
  })
  // Beside others that are busy, on few cores, a start takes its time.
  await until('the process serves', () => url !== undefined || exit, { within: 120_000 })
  if (url === undefined) throw new Error(`A peer ended at its start: ${JSON.stringify(exit)}`)
  const graphqlUrl = `${url}/graphql`
  return {
    pid: child.pid as number,
    get exit() {
      return exit ?? null
    },
    wsUrl: graphqlUrl.replace('http', 'ws'),
    failures,
    moments,
    async ask(credential, query, variables) {
      const response = await fetch(graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` },
        body: JSON.stringify({ query, variables }),
      })
      const { data = null, errors = [] } = (await response.json()) as Partial<GraphQLAnswer>
      return { status: response.status, data, errors }
    },
    work: () => void child.send('work'),
    async end(signal) {
      if (!exit) child.kill(signal)
      return until('the process has ended', () => exit, { within: 30_000 })
    },
  }
}
