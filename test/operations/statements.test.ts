import type { PoolClient } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier, memory } from '../../server/index.ts'
import { knowRecipients } from '../../server/operations/recipients-known.ts'
import { type CommitOutcome, commitTriggers } from '../../server/operations/trigger/commit.ts'
import { prepareTrigger } from '../../server/operations/trigger/prepare.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { subscribe } from '../support/settings.ts'
import { trigger, triggerInput } from '../support/trigger.ts'

const CHANNELS = ['in_app', 'one', 'two', 'three', 'four'] as const

/** On as many channels as its payload says. */
const wide = defineNotifier({
  key: 'wide',
  version: 1,
  payload: z.object({ channels: z.number() }),
  channels: ({ payload }) => CHANNELS.slice(0, payload.channels),
  render: {
    in_app: () => ({ title: 'T' }),
    one: () => ({}),
    two: () => ({}),
    three: () => ({}),
    four: () => ({}),
  },
})

let carillon: TestCarillon
let statements: string[] = []
beforeAll(async () => {
  const adapters = Object.fromEntries(CHANNELS.slice(1).map((channel) => [channel, memory({ name: channel })]))
  carillon = await startCarillon({ notifiers: [wide], adapters })
  const watched = new WeakSet<PoolClient>()
  for (const pool of [carillon.app.db.system, carillon.app.db.tenant]) {
    pool.on('acquire', (client) => {
      if (watched.has(client)) return
      watched.add(client)
      const { query } = client
      client.query = ((...args: [{ text?: string } | string, ...unknown[]]) => {
        statements.push(typeof args[0] === 'string' ? args[0] : (args[0].text ?? ''))
        return (query as (...given: unknown[]) => unknown).apply(client, args)
      }) as typeof query
    })
  }
})
afterAll(() => carillon.close())

const countedDuring = async (work: () => Promise<unknown>): Promise<number> => {
  statements = []
  await work()
  // A key is looked up once in a few seconds, and the clock looks at the queue's lanes and at secrets every minute, whatever is asked.
  return statements.filter((text) => !/from api_key|recursive lanes|as spent/.test(text)).length
}

const recipients = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `${prefix}${index}`, displayName: `N${index}` }))

const triggerTo = (prefix: string, count: number, channels: number) => () =>
  trigger(carillon, { notificationKey: 'wide', payload: { channels }, recipients: recipients(prefix, count) })

test('a trigger takes as many statements for 200 recipients on five channels as for one on one', async () => {
  const one = await countedDuring(triggerTo('a', 1, 1))
  expect(one).toBeGreaterThan(0)
  expect(await countedDuring(triggerTo('b', 1, 5))).toBe(one)
  expect(await countedDuring(triggerTo('c', 200, 1))).toBe(one)
  expect(await countedDuring(triggerTo('d', 200, 5))).toBe(one)
})

test('a trigger of a thousand recipients takes no more', async () => {
  const one = await countedDuring(triggerTo('e', 1, 2))
  expect(await countedDuring(triggerTo('f', 1_000, 2))).toBe(one)
})

test('fifty triggers at once share their statements', async () => {
  const one = await countedDuring(triggerTo('g', 1, 2))
  const query =
    'mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { error { message } } } }'
  const triggers = recipients('h', 50).map((recipient) =>
    triggerInput({ notificationKey: 'wide', payload: { channels: 2 }, recipients: [recipient] }),
  )
  const fifty = await countedDuring(() => carillon.ok(carillon.backendKey, query, { input: { triggers } }))
  expect(fifty).toBeLessThanOrEqual(2 * one)
})

test('triggers to large topics that are committed together take as many statements as one of them', async () => {
  const { app, tenantId } = carillon
  const subscribers = recipients('topical', 1_001).map(({ id }) => id)
  await subscribe(carillon, 'large', subscribers.slice(1))
  await subscribe(carillon, 'large', subscribers.slice(0, 1))
  const known = knowRecipients(app.db)
  const prepare = (idempotencyKey: string, actorId: string | null) => {
    const request = { notificationKey: 'wide', payload: { channels: 1 }, topics: ['large'], idempotencyKey, actorId }
    return prepareTrigger(app, known, { tenantId, request, path: ['input'] })
  }
  const alone = [await prepare('alone', null)]
  const together = [await prepare('t1', null), await prepare('t2', subscribers[0] ?? null), await prepare('t3', null)]
  const one = await countedDuring(() => commitTriggers(app, alone, { wait: true }))
  let committed: readonly CommitOutcome[] = []
  const three = await countedDuring(async () => {
    committed = await commitTriggers(app, together, { wait: true })
  })
  expect(three).toBe(one)
  const counts = committed.map((answer) => 'event' in answer && answer.event.recipient_count)
  expect(counts).toEqual([1_001, 1_000, 1_001])
  await carillon.drainJobs()
})

test('a batch of due deliveries takes as many statements for a hundred as for one', async () => {
  await carillon.drainJobs()
  const drained = async (prefix: string, count: number) => {
    await triggerTo(prefix, count, 2)()
    return countedDuring(async () => expect(await carillon.drainJobs()).toBe(count))
  }
  const one = await drained('i', 1)
  // Results are recorded as they come in: in one statement, or in a few.
  expect(await drained('j', 100)).toBeLessThanOrEqual(one + 3)
})

test('marking an inbox takes as many statements for a hundred items as for one', async () => {
  const arrive = async (id: string, count: number) => {
    for (let index = 0; index < count; index++) await triggerTo(`${id}-`, 1, 1)()
    return carillon.tokenFor(`${id}-0`)
  }
  const markAll = (token: string) => () =>
    carillon.ok(token, 'mutation { markRead(input: { filter: {} }) { affectedCount counts { unread } } }')
  const one = await countedDuring(markAll(await arrive('k', 1)))
  expect(await countedDuring(markAll(await arrive('l', 100)))).toBe(one)
})

test('a page of a hundred deliveries with everything about them takes as many statements as of one', async () => {
  const query = `query ($first: Int!) {
    deliveries(first: $first) {
      edges { node { channel attempts { outcome } notification { recipientId event { payload } } explanation { summary timeline { event } decisions { rule } } } }
    }
  }`
  const page = (first: number) => () => carillon.ok(carillon.operatorKey, query, { first })
  const one = await countedDuring(page(1))
  expect(await countedDuring(page(100))).toBe(one)
})
