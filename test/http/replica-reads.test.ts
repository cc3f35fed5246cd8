import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyMigrations } from '../../prisma/migrate.ts'
import { replicaFinding } from '../../server/cli/doctor/replica.ts'
import { defineConfig } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { page } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { type Pair, startPair } from '../support/standby.ts'
import { trigger } from '../support/trigger.ts'
import { until } from '../support/until.ts'

let pair: Pair
let carillon: TestCarillon
beforeAll(async () => {
  pair = await startPair()
  await applyMigrations(pair.primaryUrl)
  const config = defineConfig({ notifiers: [page], adapters: { pager: scripted('pager') } })
  carillon = await startCarillon(config, { databaseUrl: pair.primaryUrl, replicaUrl: pair.standbyUrl })
}, 120_000)
afterAll(async () => {
  await carillon.close()
  await pair.stop()
})

const EVENTS = `{ events(first: 100) { edges { node { id deliveries(first: 1) { edges { node { id } } } } } } }`
const STORY = 'query ($id: ID!) { explainDelivery(deliveryId: $id) { summary timeline { event } } }'

const send = async (
  key: string,
  query: string,
  { headers = {}, variables = {} }: { headers?: Record<string, string>; variables?: object } = {},
) => {
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors = [] } = await response.json()
  return { status: response.status, headers: response.headers, data, errors }
}
const REPLICA = { 'carillon-read': 'replica' }
const eventsBy = async (headers: Record<string, string> = {}): Promise<number> =>
  (await send(carillon.operatorKey, EVENTS, { headers })).data.events.edges.length

test('what a query that asks for the replica is answered comes from there, and says until when it holds', async () => {
  await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await carillon.drainJobs()
  await until('the replica has it', async () => (await eventsBy(REPLICA)) === 1)
  await pair.pause(true)
  const before = new Date()
  await trigger(carillon, { notificationKey: 'pager.call', payload: {}, recipients: [{ id: 'grace' }] })
  expect(await eventsBy()).toBe(2)
  const stale = await send(carillon.operatorKey, EVENTS, { headers: REPLICA })
  expect(stale.data.events.edges).toHaveLength(1)
  expect(stale.headers.get('carillon-read')).toBe('replica')
  expect(new Date(stale.headers.get('carillon-as-of') as string).getTime()).toBeLessThan(before.getTime())
  await pair.pause(false)
  await until('it has caught up', async () => (await eventsBy(REPLICA)) === 2)
})

test('a story is told by the replica as by the primary', async () => {
  const { events } = (await send(carillon.operatorKey, EVENTS)).data
  const id = events.edges.at(-1).node.deliveries.edges[0].node.id
  const told = (headers: Record<string, string>) =>
    send(carillon.operatorKey, STORY, { headers, variables: { id } }).then(({ data }) => data)
  const [here, there] = [await told({}), await told(REPLICA)]
  expect(here.explainDelivery.timeline.length).toBeGreaterThan(1)
  expect(there).toEqual(here)
})

test('a mutation is not answered by the replica', async () => {
  const cancel = 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount } }'
  const { events } = (await send(carillon.operatorKey, EVENTS)).data
  const variables = { id: events.edges[0].node.id }
  const refused = await send(carillon.operatorKey, cancel, { headers: REPLICA, variables })
  expect(refused.errors).toMatchObject([
    { message: 'A replica answers queries alone: leave carillon-read out', extensions: { code: 'BAD_USER_INPUT' } },
  ])
})

test.each([
  ['another value', () => carillon.operatorKey, { 'carillon-read': 'secondary' }, 400, 'BAD_USER_INPUT'],
  ['a backend', () => carillon.backendKey, REPLICA, 403, 'FORBIDDEN'],
  ['a recipient', () => carillon.tokenFor('ada'), REPLICA, 403, 'FORBIDDEN'],
  ['a stream', () => carillon.operatorKey, { ...REPLICA, accept: 'text/event-stream' }, 400, 'BAD_USER_INPUT'],
])('%s is refused', async (_, key, headers, expected, code) => {
  const { status, errors } = await send(await key(), '{ __typename }', { headers })
  expect(status).toBe(expected)
  expect(errors).toMatchObject([{ extensions: { code } }])
})

test('the doctor says how far it has come, and where it is none', async () => {
  expect(await replicaFinding(pair.standbyUrl)).toMatchObject({
    state: 'ok',
    seen: expect.stringMatching(/^holds what was committed up to 20\d\d-/),
  })
  expect(await replicaFinding(pair.primaryUrl)).toMatchObject({ state: 'warning', seen: 'follows no other database' })
})

test('a replica that is gone is said to be, and nobody else notices', async () => {
  await pair.stopStandby()
  const { status, errors } = await send(carillon.operatorKey, EVENTS, { headers: REPLICA })
  expect(status).toBe(503)
  expect(errors).toMatchObject([
    {
      message: 'The replica does not answer; leave carillon-read out to ask the primary',
      extensions: { code: 'UNAVAILABLE' },
    },
  ])
  expect(await eventsBy()).toBe(2)
})
