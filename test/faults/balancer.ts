import { setTimeout as delay } from 'node:timers/promises'
import type { GraphQLAnswer } from '../support/carillon.ts'
import { until } from '../support/until.ts'

/*
 * Does what a load balancer does: asks each process all the time whether it is ready, and sends requests in turn to
 * those that have said so last. It does not try again: what fails has failed.
 */

const LOOK_EVERY_MS = 50

interface Target {
  readonly url: string
  ready: boolean
  stop(): void
}

export interface Balancer {
  /** Sends it requests once it says that it is ready. */
  add(url: string): void
  /** Stops asking one that has ended. */
  remove(url: string): void
  readonly readyCount: number
  /** How often a process that was ready has said that it is not any more; one that is gone without a word does not count. */
  readonly goodbyes: number
  /** Where the next request goes. */
  next(): Promise<string>
  ask(credential: string, query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer>
  close(): void
}

export const startBalancer = (): Balancer => {
  const targets = new Map<string, Target>()
  let turn = 0
  let goodbyes = 0

  const look = async (target: Target, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const answer = await fetch(`${target.url}/health/ready`, { signal }).catch(() => null)
      await answer?.body?.cancel()
      if (target.ready && answer?.status === 503) goodbyes += 1
      target.ready = answer?.status === 200
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
    }
  }
  const ready = (): readonly Target[] => [...targets.values()].filter((target) => target.ready)

  const next = async (): Promise<string> => {
    const candidates = await until('some process is ready', () => ready().length > 0 && ready(), { within: 60_000 })
    turn += 1
    return (candidates[turn % candidates.length] as Target).url
  }
  return {
    add(url) {
      const stopping = new AbortController()
      const target = { url, ready: false, stop: () => stopping.abort() }
      targets.set(url, target)
      void look(target, stopping.signal)
    },
    remove(url) {
      targets.get(url)?.stop()
      targets.delete(url)
    },
    get readyCount() {
      return ready().length
    },
    get goodbyes() {
      return goodbyes
    },
    next,
    async ask(credential, query, variables) {
      const response = await fetch(`${await next()}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` },
        body: JSON.stringify({ query, variables }),
      })
      const { data = null, errors = [] } = (await response.json()) as Partial<GraphQLAnswer>
      return { status: response.status, data, errors }
    },
    close() {
      for (const { stop } of targets.values()) stop()
    },
  }
}
