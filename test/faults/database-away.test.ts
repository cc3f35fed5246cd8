import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defineConfig, memory } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { type CuttableProxy, openCuttableProxy } from '../support/cuttable-proxy.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { type MortalPostgres, startMortalPostgres } from '../support/mortal-postgres.ts'
import { greeting, page } from '../support/notifiers.ts'
import { TRIGGER, trigger, triggerInput } from '../support/trigger.ts'
import { until } from '../support/until.ts'

/*
 * Two processes' worth of service on one PostgreSQL: `near` reaches it through a proxy and has the worker, `far` reaches
 * it directly. It is frozen, killed, and put behind a wall, and everything comes back by itself.
 */

const PATIENT = { timeout: 90_000 }
/** No answer may take longer; generous, since the machine may be busy. */
const ANSWERED_WITHIN_MS = 15_000

let postgres: MortalPostgres
let proxy: CuttableProxy
let near: TestCarillon
let far: TestCarillon
let token: string
const pager = memory({ name: 'pages' })

const config = defineConfig({ notifiers: [greeting, page], adapters: { pager } })

beforeAll(async () => {
  postgres = await startMortalPostgres()
  proxy = await openCuttableProxy(postgres.url)
  // No sweep, and hardly a poll: what comes at once comes by LISTEN.
  const quiet = { sweepEveryMs: 3_600_000, bus: 'postgres' as const }
  near = await startCarillon(config, { ...quiet, databaseUrl: proxy.url })
  far = await startCarillon(config, { ...quiet, databaseUrl: postgres.url })
  near.app.worker.start()
  token = await near.tokenFor('ada')
  // Its connections are killed as well.
  for (const { sql } of [near, far]) sql.on('error', () => {})
})
afterAll(async () => {
  await near.close()
  await far.close()
  await proxy.close()
  await postgres.close()
})

const at = (carillon: TestCarillon, path: string) => fetch(new URL(path, carillon.graphqlUrl))
const isReady = async (carillon: TestCarillon) => (await at(carillon, '/health/ready')).status === 200

/** What becomes of a request, whatever it is. */
const ask = async (carillon: TestCarillon, credential: string, query: string, variables?: object) => {
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
  })
  const { errors = [] } = (await response.json()) as { errors?: { extensions: { code: string } }[] }
  return [response.status, response.headers.has('retry-after'), errors[0]?.extensions.code]
}

const UNAVAILABLE = [503, true, 'UNAVAILABLE']

/** Writes, reads by Prisma and reads by statements: none of them hangs. */
const askAll = (carillon: TestCarillon) =>
  Promise.all([
    ask(carillon, carillon.backendKey, TRIGGER, { input: triggerInput() }),
    ask(carillon, carillon.operatorKey, '{ events(first: 1) { edges { node { id } } } }'),
    ask(carillon, token, '{ inbox { counts { unread } } }'),
  ])

/** It all works: what is triggered on one is delivered and pushed by the other, which hears of it by LISTEN. */
const worksAgain = async (text: string): Promise<void> => {
  const pushed = near.app.hub.subscribe({ tenantId: 'acme', recipientId: 'ada' }, null)
  await pushed.next()
  const update = pushed.next()
  await trigger(far, { payload: { text } })
  const { value } = await update
  expect(value?.changed.map(({ content }) => (content as { title: string }).title)).toContain(text)
  await pushed.return?.()
  pager.clear()
  await trigger(far, { notificationKey: 'pager.call', payload: {} })
  await until('it is delivered', () => pager.messages.length === 1)
}

/** Readiness goes while the database is lost, requests are refused meanwhile and do not hang, and it is alive throughout. */
const refusesMeanwhile = async (carillon: TestCarillon): Promise<void> => {
  // Begun before anybody can know.
  const first = askAll(carillon)
  await until('it is not ready', async () => !(await isReady(carillon)))
  expect(await first).toEqual([UNAVAILABLE, UNAVAILABLE, UNAVAILABLE])
  expect(await askAll(carillon)).toEqual([UNAVAILABLE, UNAVAILABLE, UNAVAILABLE])
  expect((await at(carillon, '/health/live')).status).toBe(200)
}

describe('a database that is away', () => {
  test('works at first', () => worksAgain('at first'), PATIENT.timeout)

  test(
    'behind a wall: the one process refuses and the other goes on; once the wall is gone both are as before',
    async () => {
      proxy.freeze()
      proxy.admit('to the door')
      await refusesMeanwhile(near)
      expect(await isReady(far)).toBe(true)
      await trigger(far)
      proxy.admit('everyone')
      await until('it is ready', () => isReady(near))
      await worksAgain('behind a wall')
    },
    PATIENT.timeout,
  )

  test(
    'frozen: requests are refused, and once it goes on everything does',
    async () => {
      const thaw = await postgres.freeze()
      try {
        await Promise.all([refusesMeanwhile(near), refusesMeanwhile(far)])
      } finally {
        thaw()
      }
      await until('both are ready', async () => (await isReady(near)) && (await isReady(far)))
      await worksAgain('frozen')
    },
    PATIENT.timeout,
  )

  test(
    'killed: requests are refused, and once it is started again everything goes on',
    async () => {
      await postgres.kill()
      await Promise.all([refusesMeanwhile(near), refusesMeanwhile(far)])
      await postgres.restart()
      await until('both are ready', async () => (await isReady(near)) && (await isReady(far)))
      await worksAgain('killed')
    },
    PATIENT.timeout,
  )

  test('leaves the books in order', async () => {
    expect(await brokenInvariants(far.sql)).toEqual([])
  })
})
