import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HttpProvider, httpProvider } from '../../server/testing/http-provider.ts'
import { type CarillonProcess, startProcess } from '../cli/carillon-process.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { randomOfRun } from '../support/random.ts'
import { startRedis, type TestRedis, whyNoRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { type Watcher, watch } from './watcher.ts'

/*
 * Two processes that answer and two that send, each a `carillon start` of its own, are replaced one after the other
 * while a load balancer sends triggers and marks to those that are ready and recipients look at their inboxes.
 */

const SECRET_KEY = 'a-secret-key-for-faults-of-32-characters'
const DRAIN_SECONDS = 2
/** To start processes takes most of it, where others are busy. */
const LONGEST_MS = 400_000
const AT_LENGTH = process.env['CARILLON_FAULT_SECONDS'] !== undefined
const LONGEST_STOP_MS = 10_000
const CALLERS = 4
/** Between two requests of a caller: the machine is to be busy, not overrun. */
const PAUSE_MS = 15
const PROVIDER_TAKES_MS = 40
/** Nothing but arrivals happens to these, so each is told of once. */
const QUIET = ['quiet-0', 'quiet-1', 'quiet-2', 'quiet-3']
const READING = ['reading-0', 'reading-1']

const CONFIG = `import { defineConfig, defineNotifier } from 'carillon'
import { z } from 'zod'
const order = defineNotifier({
  key: 'order', version: 1, payload: z.object({ n: z.number() }), channels: ['in_app', 'pager'],
  render: { in_app: ({ payload }) => ({ title: 'order ' + payload.n }), pager: ({ payload }) => payload },
})
const pager = {
  name: 'pager',
  timeoutMs: 20_000,
  async deliver({ deliveryId, attemptId }, signal) {
    const body = JSON.stringify({ deliveryId, attemptId })
    const answer = await fetch(process.env['PROVIDER'], { method: 'POST', body, signal })
    await answer.body?.cancel()
    return answer.ok ? { outcome: 'accepted' } : { outcome: 'temporary', reason: 'HTTP ' + answer.status }
  },
}
export default defineConfig({ notifiers: [order], adapters: { pager } })
`

const TRIGGER = 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }'
const MARK = 'mutation ($input: InboxSelectionInput!) { markRead(input: $input) { affectedCount } }'

const random = randomOfRun('rolling restart', 'CARILLON_FAULT_SEED')

let folder: string
let provider: HttpProvider
let receipts: { readonly deliveryId: string; readonly attemptId: string }[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-rolling-'))
  await writeFile(join(folder, 'carillon.config.ts'), CONFIG)
  provider = await httpProvider()
  provider.behave(({ body }, response) => {
    receipts.push(JSON.parse(body))
    setTimeout(() => response.writeHead(200).end(), PROVIDER_TAKES_MS)
  })
})
afterAll(async () => {
  await provider.close()
  await rm(folder, { recursive: true, force: true })
})

interface Node {
  readonly role: 'api' | 'worker'
  readonly url: string
  readonly process: CarillonProcess
}

/** Processes on one database, and a load balancer in front of those that answer. */
class Fleet {
  readonly nodes: Node[] = []
  readonly balancer: Balancer = startBalancer()
  readonly stops: { readonly code: unknown; readonly ms: number }[] = []
  private readonly variables: NodeJS.ProcessEnv

  constructor(variables: NodeJS.ProcessEnv) {
    this.variables = variables
  }

  async start(role: Node['role']): Promise<Node> {
    const process = startProcess({ ...this.variables, CARILLON_ROLE: role }, ['start'])
    const url = await until(
      'it says where it listens',
      () => {
        if (process.child.exitCode !== null) throw new Error(`It ended at its start: ${process.output()}`)
        return /Carillon .*(http:\/\/[\d.:]+)\//.exec(process.output())?.[1]
      },
      { within: 60_000 },
    )
    if (role === 'api') this.balancer.add(url)
    const node = { role, url, process }
    this.nodes.push(node)
    return node
  }

  /** Stops one in order, then starts another in its place. */
  async restart(node: Node): Promise<void> {
    const begun = performance.now()
    const code = await node.process.stop('SIGTERM')
    this.stops.push({ code, ms: performance.now() - begun })
    this.nodes.splice(this.nodes.indexOf(node), 1)
    this.balancer.remove(node.url)
    const isFull = this.balancer.readyCount + 1
    const { role } = await this.start(node.role)
    if (role === 'api') await until('it is ready', () => this.balancer.readyCount >= isFull)
  }

  async close(): Promise<void> {
    this.balancer.close()
    await Promise.all(this.nodes.map(({ process }) => process.stop('SIGKILL')))
  }
}

/** What was asked for, and what became of it at the door. */
const tally = () => ({ triggers: 0, marks: 0, failed: [] as string[], sent: new Map<string, string[]>() })

const callAll = (carillon: TestCarillon, { balancer }: Fleet, tokens: ReadonlyMap<string, string>) => {
  const done = tally()
  let over = false
  let next = 0
  const ask = async (credential: string, query: string, input: unknown): Promise<void> => {
    try {
      const { status, errors } = await balancer.ask(credential, query, { input })
      if (status !== 200 || errors.length > 0) done.failed.push(`${status} ${JSON.stringify(errors)}`)
    } catch (error) {
      done.failed.push(`${error} ${(error as Error).cause}`)
    }
  }
  const trigger = async (): Promise<void> => {
    const n = next++
    const recipients = random.sample([...QUIET, ...READING], 2)
    await ask(carillon.backendKey, TRIGGER, {
      notificationKey: 'order',
      idempotencyKey: `order-${n}`,
      payload: { n },
      recipients: recipients.map((id) => ({ id })),
    })
    done.triggers += 1
    for (const id of recipients) done.sent.set(id, [...(done.sent.get(id) ?? []), `order ${n}`])
  }
  const mark = async (): Promise<void> => {
    await ask(tokens.get(random.pick(READING)) as string, MARK, { filter: {} })
    done.marks += 1
  }
  const call = async (): Promise<void> => {
    while (!over) {
      await (random.chance(0.9) ? trigger() : mark())
      await delay(PAUSE_MS)
    }
  }
  const calling = Promise.all(Array.from({ length: CALLERS }, call))
  return {
    done,
    async stop() {
      over = true
      await calling
    },
  }
}

const inOrder = (titles: readonly string[]): readonly string[] => [...titles].sort()

/** What a recipient's inbox holds, as the database has it. */
const inboxRows = async (carillon: TestCarillon, recipientId: string) => {
  const { rows } = await carillon.sql.query<{ title: string; read: boolean }>(
    `select content ->> 'title' as title, read_at is not null as read from notification where recipient_id = $1`,
    [recipientId],
  )
  return rows.map(({ title, read }) => `${title} ${read}`)
}

const replaceUnderLoad = async (which: readonly Node['role'][], variables: NodeJS.ProcessEnv = {}): Promise<void> => {
  receipts = []
  const carillon = await startCarillon({ notifiers: [] }, { secretKey: SECRET_KEY, bus: 'postgres' })
  const fleet = new Fleet({
    NODE_ENV: 'production',
    PORT: '0',
    DATABASE_URL: carillon.databaseUrl,
    CARILLON_SECRET_KEY: SECRET_KEY,
    CARILLON_CONFIG: join(folder, 'carillon.config.ts'),
    CARILLON_DRAIN_SECONDS: String(DRAIN_SECONDS),
    PROVIDER: provider.url,
    ...variables,
  })
  const watchers = new Map<string, Watcher>()
  try {
    await Promise.all([fleet.start('api'), fleet.start('api')])
    await Promise.all([fleet.start('worker'), fleet.start('worker')])
    const tokens = new Map<string, string>()
    for (const [index, id] of [...QUIET, ...READING].entries()) {
      const token = await carillon.tokenFor(id)
      tokens.set(id, token)
      watchers.set(id, watch(fleet.balancer, token, index % 2 === 0 ? 'socket' : 'stream'))
    }
    await until('all of them look', () => [...watchers.values()].every(({ watching }) => watching))

    const load = callAll(carillon, fleet, tokens)
    await until('it is under way', () => receipts.length > 50)
    const nodes = [...fleet.nodes]
    const replaced = which.flatMap((role) =>
      nodes.splice(
        nodes.findIndex((node) => node.role === role),
        1,
      ),
    )
    for (const node of replaced) {
      const before = receipts.length
      await fleet.restart(node)
      await until('it goes on', () => receipts.length > before + 20)
    }
    await load.stop()
    const isDone = async () => (await carillon.sql.query('select from due limit 1')).rowCount === 0
    await until('all is sent', isDone, { within: 60_000, every: 100 })

    const { done } = load
    const slowest = Math.max(...fleet.stops.map(({ ms }) => ms))
    process.stdout.write(
      `rolling restart: ${done.triggers} triggers and ${done.marks} marks, ${done.failed.length} failed, ${receipts.length} receipts, ` +
        `${[...watchers.values()].map(({ returns }) => returns).join(' ')} returns, slowest stop ${Math.round(slowest)} ms\n`,
    )
    expect(done.failed).toEqual([])
    expect(fleet.stops.map(({ code }) => code)).toEqual(which.map(() => 0))
    expect(slowest).toBeLessThan(LONGEST_STOP_MS)
    // Each that answered told the balancer before it closed its door.
    const answering = which.filter((role) => role === 'api').length
    expect(fleet.balancer.goodbyes).toBe(answering)

    for (const [id, watcher] of watchers) {
      const sent = inOrder(done.sent.get(id) ?? [])
      const known = () => [...watcher.items.values()].map(({ title, readAt }) => `${title} ${readAt !== null}`)
      const stored = inOrder(await inboxRows(carillon, id))
      expect(stored).toHaveLength(sent.length)
      await until(`${id} knows what is stored`, () => inOrder(known()).join() === stored.join())
      expect(watcher.faults).toEqual([])
      if (QUIET.includes(id)) expect(inOrder(watcher.told), `what ${id} was told by ${watcher.kind}`).toEqual(sent)
      if (answering === 2) expect(watcher.returns).toBeGreaterThan(0)
    }

    // Each was sent once, and nothing is in doubt.
    expect(receipts).toHaveLength(2 * done.triggers)
    expect(new Set(receipts.map(({ deliveryId }) => deliveryId)).size).toBe(receipts.length)
    const { rows } = await carillon.sql.query(
      `select a.outcome, count(*)::int4 from delivery_attempt a where a.adapter = 'pager' group by 1`,
    )
    expect(rows).toEqual([{ outcome: 'succeeded', count: receipts.length }])
    expect(await brokenInvariants(carillon.sql)).toEqual([])
  } finally {
    for (const watcher of watchers.values()) watcher.close()
    await fleet.close()
    await carillon.close()
  }
}

test(
  'every process is replaced under load: no request fails, nobody misses or is told twice, each delivery is sent once',
  () => replaceUnderLoad(['api', 'api', 'worker', 'worker']),
  LONGEST_MS,
)

const missing = whyNoRedis()
// Said by name where it cannot be tested, so that nobody takes silence for success.
if (missing) test(missing, (context) => context.skip())

describe.skipIf(missing)('with a real Redis', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.close())

  test(
    'the same holds where processes tell each other over Redis',
    () =>
      replaceUnderLoad(AT_LENGTH ? ['api', 'api', 'worker', 'worker'] : ['api', 'worker'], {
        CARILLON_REDIS_URL: redis.url,
      }),
    LONGEST_MS,
  )
})
