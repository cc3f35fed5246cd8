import pg from 'pg'
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

const config = defineConfig({ notifiers: [page], adapters: { pager: scripted('pager') } })

let pair: Pair
let carillon: TestCarillon
beforeAll(async () => {
  pair = await startPair()
  await applyMigrations(pair.primaryUrl)
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
  {
    headers = {},
    variables = {},
    to = carillon.graphqlUrl,
  }: { headers?: Record<string, string>; variables?: object; to?: string } = {},
) => {
  const response = await fetch(to, {
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

test.each(['*/*', 'text/*'])('a subscription that accepts %s is not answered by the replica', async (accept) => {
  const query = 'subscription { deliveryUpdates { id } }'
  const refused = await send(carillon.operatorKey, query, { headers: { ...REPLICA, accept } })
  expect(refused.errors).toMatchObject([
    { message: 'A replica answers queries alone: leave carillon-read out', extensions: { code: 'BAD_USER_INPUT' } },
  ])
})

const PAGER = 'notificationKey: "pager.call"'
test.each([
  ['deliveries', '{ deliveries(first: 5) { edges { node { id status attempts { outcome } } } } }'],
  ['recipients', '{ recipients(first: 5) { edges { node { id } } } }'],
  ['explainRecipient', `{ explainRecipient(recipientId: "ada", ${PAGER}) { summary } }`],
  ['exportRecipient', '{ exportRecipient(recipientId: "ada") }'],
  [
    'simulateTrigger',
    `{ simulateTrigger(input: { ${PAGER}, payload: {}, recipients: [{ id: "ada" }] }) { __typename } }`,
  ],
  [
    'previewRendering',
    `{ previewRendering(input: { ${PAGER}, channel: "pager", payload: {}, recipient: { id: "nobody" } }) { __typename } }`,
  ],
  ['queue', '{ queue { lane } }'],
  ['outcomes', '{ outcomes { channel outcome count } }'],
  [
    'outcomeHistory',
    `{ outcomeHistory(input: { insertedAfter: "${new Date(Date.now() - 3_600_000).toISOString()}", periodMinutes: 60 }) { startsAt } }`,
  ],
  ['inbox', '{ inbox(recipientId: "somebody new") { cursor counts { total } } }'],
  ['preferences', '{ preferences(recipientId: "somebody new") { __typename } }'],
  ['digestRules', '{ digestRules { key } }'],
  ['workflowRuns', '{ workflowRuns(first: 5) { edges { node { id } } } }'],
  ['webhookIngresses', '{ webhookIngresses(first: 5) { edges { node { id } } } }'],
  ['notifiers', '{ notifiers { key } }'],
  ['reasons', '{ reasons { code } }'],
])('the replica answers %s', async (field, query) => {
  const { status, headers, data, errors } = await send(carillon.operatorKey, query, { headers: REPLICA })
  expect({ status, errors }).toEqual({ status: 200, errors: [] })
  expect(data[field]).not.toBeNull()
  expect(headers.get('carillon-read')).toBe('replica')
})

test.each([
  ['lost in the middle of it', `select pg_terminate_backend($1)`, null],
  ['in the way of what it replays', null, 'lock table delivery in access exclusive mode'],
])('a query that the replica does not finish, being %s, is refused by name', async (_, there, here) => {
  const primary = new pg.Client({ connectionString: pair.primaryUrl })
  const standby = new pg.Client({ connectionString: pair.standbyUrl })
  await Promise.all([primary.connect(), standby.connect()])
  const isLocked = async () => {
    const held = `select from pg_locks where relation = 'daily_outcome'::regclass and mode = 'AccessExclusiveLock'`
    return (await standby.query(held)).rowCount === 1
  }
  try {
    await standby.query('alter system set max_standby_streaming_delay = 0')
    await standby.query('select pg_reload_conf()')
    // Counting outcomes holds the table of deliveries while it waits for that of the counts.
    await primary.query('begin')
    await primary.query('lock table daily_outcome in access exclusive mode')
    await primary.query('select pg_switch_wal()')
    await until('the replica has the lock', isLocked)
    const answered = send(carillon.operatorKey, '{ outcomes { count } }', { headers: REPLICA })
    const waiting = await until('the query waits', async () => {
      const { rows } = await standby.query(
        `select pid from pg_locks where relation = 'daily_outcome'::regclass and mode = 'AccessShareLock' and not granted`,
      )
      return rows[0]?.pid as number | undefined
    })
    if (there) await standby.query(there, [waiting])
    if (here) await primary.query(here)
    // Nothing is committed here, which is what would send it on at once.
    await primary.query('select pg_switch_wal()')
    const { status, errors } = await answered
    expect(status).toBe(503)
    expect(errors).toMatchObject([
      {
        message:
          'The replica did not finish the query; ask again, or for less, or leave carillon-read out to ask the primary',
        extensions: { code: 'UNAVAILABLE', retryAfterSeconds: 1 },
      },
    ])
  } finally {
    await primary.query('rollback')
    await primary.query('select pg_switch_wal()')
    await until('the replica has let go of it', async () => !(await isLocked()))
    await standby.query('alter system reset max_standby_streaming_delay')
    await standby.query('select pg_reload_conf()')
    await Promise.all([primary.end(), standby.end()])
  }
})

test('a database that follows no other answers nothing as a replica', async () => {
  const mistaken = await startCarillon(config, { replicaUrl: pair.primaryUrl })
  try {
    const { status, headers, errors } = await send(mistaken.operatorKey, EVENTS, {
      headers: REPLICA,
      to: mistaken.graphqlUrl,
    })
    expect(status).toBe(503)
    expect(headers.has('carillon-as-of')).toBe(false)
    expect(errors).toMatchObject([
      {
        message: expect.stringMatching(/^CARILLON_REPLICA_URL names a database that follows no other; /),
        extensions: { code: 'UNAVAILABLE' },
      },
    ])
  } finally {
    await mistaken.close()
  }
})

test('where there is no replica the primary answers, and what no replica could answer is refused all the same', async () => {
  const alone = await startCarillon({ notifiers: [] })
  try {
    const ask = (query: string) =>
      fetch(alone.graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${alone.operatorKey}`, ...REPLICA },
        body: JSON.stringify({ query }),
      })
    const answered = await ask('{ outcomes { count } }')
    expect([await answered.json(), answered.headers.get('carillon-read')]).toEqual([{ data: { outcomes: [] } }, null])
    const refused = await ask('mutation { eraseRecipient(input: { recipientId: "ada" }) { __typename } }')
    expect((await refused.json()).errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
  } finally {
    await alone.close()
  }
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
  const lost: string[] = []
  await eventsBy(REPLICA)
  carillon.app.telemetry.on('database.connection_lost', ({ to }) => lost.push(to))
  await pair.stopStandby()
  await until('its connections are told of', () => lost.length > 0)
  expect(new Set(lost)).toEqual(new Set(['replica']))
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
