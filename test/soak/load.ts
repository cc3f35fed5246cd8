import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../support/random.ts'
import type { RawSocket } from '../support/raw-socket.ts'
import { openRawSocket } from '../support/raw-socket.ts'

/** Who asks, and where. */
export interface Door {
  readonly url: string
  readonly backendKey: string
  readonly operatorKey: string
  /** By recipient. */
  readonly tokens: ReadonlyMap<string, string>
}

export interface Load {
  readonly counts: {
    triggers: number
    marks: number
    preferences: number
    operator: number
    sockets: number
    /** Requests that were told to come again: no connection came free in time. */
    putOff: number
  }
  /** What was answered with an error, or not at all. */
  readonly failed: readonly string[]
  answered(): number
  /** Answers' times of triggers since it was last asked, in milliseconds. */
  takeTimes(): readonly number[]
  stop(): Promise<void>
}

const TRIGGER = 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }'
const MARK = (verb: string) => `mutation ($input: InboxSelectionInput!) { ${verb}(input: $input) { affectedCount } }`
const PREFER =
  'mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { preferences { recipientId } } }'
const DELIVERIES = `query ($filter: DeliveryFilter) { deliveries(first: 20, filter: $filter) { edges { node {
  id status explanation { summary timeline(first: 20) { at } } } } } }`
const OUTCOMES = '{ outcomes { count } }'
const INBOX =
  '{ inbox { cursor counts { unread } notifications(first: 20) { edges { node { id readAt content { title } } } } } }'
const UPDATES = 'subscription { inboxUpdates { cursor counts { unread } changed { id content { title } } } }'

/** Of a hundred triggers. */
const KINDS = [
  ...Array<string>(60).fill('order.placed'),
  ...Array<string>(20).fill('remark'),
  ...Array<string>(10).fill('journey'),
  ...Array<string>(10).fill('note'),
] as const

const TICK_MS = 100

export interface LoadOptions {
  readonly perSecond: number
  /** How many requests may wait for their answers: what is more is not begun. */
  readonly atOnce: number
  /** How many are open at a time; each stays for some seconds. */
  readonly sockets: number
  readonly random: Random
  /** Goes into idempotency keys. */
  readonly run: string
}

/** Begins so many requests a second, whatever becomes of them. */
export const startLoad = (door: Door, { perSecond, atOnce, sockets, random, run }: LoadOptions): Load => {
  const counts = { triggers: 0, marks: 0, preferences: 0, operator: 0, sockets: 0, putOff: 0 }
  const failed: string[] = []
  const readers = [...door.tokens.keys()]
  const open = new Set<Promise<void>>()
  let times: number[] = []
  let over = false
  let owed = 0
  let answered = 0

  const ask = async (credential: string, query: string, variables: object = {}): Promise<void> => {
    try {
      const response = await fetch(`${door.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` },
        body: JSON.stringify({ query, variables }),
      })
      const { errors } = (await response.json()) as { readonly errors?: readonly object[] }
      if (response.status === 503) counts.putOff += 1
      else if (response.status !== 200 || errors)
        failed.push(`${query.slice(0, 60)}: ${response.status} ${JSON.stringify(errors)}`)
    } catch (error) {
      failed.push(`${query.slice(0, 60)}: ${error} ${(error as Error).cause ?? ''}`)
    }
  }
  const asReader = (query: string, variables?: object): Promise<void> =>
    ask(door.tokens.get(random.pick(readers)) as string, query, variables)

  const trigger = async (): Promise<void> => {
    counts.triggers += 1
    const n = counts.triggers
    const begun = performance.now()
    const recipients = random.sample(readers, 1 + random.below(3)).map((id) => ({ id }))
    const input = { notificationKey: random.pick(KINDS), idempotencyKey: `${run}-${n}`, payload: { n }, recipients }
    await ask(door.backendKey, TRIGGER, { input })
    times.push(performance.now() - begun)
  }
  const one = (): Promise<void> => {
    const what = random.next()
    if (what < 0.6) return trigger()
    if (what < 0.75) {
      counts.marks += 1
      return asReader(MARK(random.pick(['markSeen', 'markRead', 'archive'])), { input: { filter: {} } })
    }
    if (what < 0.92) return asReader(INBOX)
    if (what < 0.96) {
      counts.preferences += 1
      const preferences = [{ category: 'notes', enabled: random.chance(0.5) }]
      return asReader(PREFER, { input: { preferences } })
    }
    counts.operator += 1
    if (random.chance(0.1)) return ask(door.operatorKey, OUTCOMES)
    return ask(door.operatorKey, DELIVERIES, { filter: { recipientId: random.pick(readers) } })
  }
  const begin = (work: Promise<void>): void => {
    open.add(work)
    void work.finally(() => {
      open.delete(work)
      answered += 1
    })
  }

  const keepAsking = async (): Promise<void> => {
    let last = performance.now()
    while (!over) {
      const at = performance.now()
      owed = Math.min(owed + ((at - last) * perSecond) / 1_000, perSecond)
      last = at
      // What cannot be answered in time is not heaped up: the rate falls, and the figures say so.
      for (; owed >= 1 && open.size < atOnce; owed--) begin(one())
      await (open.size < atOnce ? delay(TICK_MS) : Promise.race(open))
    }
  }
  const comeAndGo = async (): Promise<void> => {
    while (!over) {
      let socket: RawSocket | null = null
      try {
        socket = await openRawSocket(`${door.url.replace('http', 'ws')}/graphql`, {
          token: door.tokens.get(random.pick(readers)) as string,
        })
        counts.sockets += 1
        socket.subscribe('1', UPDATES)
        const leavesAt = performance.now() + 2_000 + random.below(8_000)
        while (!over && performance.now() < leavesAt && !socket.closed) await delay(TICK_MS)
        if (socket.closed) failed.push(`a socket was closed: ${JSON.stringify(socket.closed)}`)
        const refused = socket.messages.find(({ type, payload }) => type === 'error' || payload?.errors)
        if (refused) failed.push(JSON.stringify(refused))
      } catch (error) {
        failed.push(`socket: ${error}`)
        await delay(TICK_MS)
      }
      await socket?.end()
    }
  }
  const asking = Promise.all([keepAsking(), ...Array.from({ length: sockets }, comeAndGo)])
  return {
    counts,
    failed,
    answered: () => answered,
    takeTimes() {
      const taken = times
      times = []
      return taken
    },
    async stop() {
      over = true
      await asking
      await Promise.all(open)
    },
  }
}
