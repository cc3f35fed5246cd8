import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../server/db/client.ts'
import { memoryBus } from '../../server/realtime/bus.ts'
import { openPostgresBus } from '../../server/realtime/postgres-bus.ts'
import { createTelemetry } from '../../server/telemetry.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { busContract, inboxOf, listenTo } from './bus-contract.ts'
import { openTcpGate } from './tcp-gate.ts'

let database: TestDatabase
let db: Database
let sql: pg.Pool
beforeAll(async () => {
  database = await createTestDatabase()
  db = openDatabase({ url: database.url, connections: 3 })
  sql = new pg.Pool({ connectionString: database.url, max: 2 })
})
afterAll(async () => {
  await db.close()
  await sql.end()
  await database.drop()
})

const openBus = (url = database.url, telemetry = createTelemetry()) =>
  openPostgresBus({ url, pool: db.system, telemetry })

busContract('memory', async () => {
  const bus = memoryBus()
  return { here: bus, there: bus }
})

busContract('Postgres', async () => ({ here: await openBus(), there: await openBus() }))

const KILL_LISTENERS = `select count(pg_terminate_backend(pid))::int4 as killed from pg_stat_activity
  where datname = current_database() and application_name = 'carillon bus'`

test('a listener whose connection is killed comes back by itself, and looks at every inbox once', async () => {
  const telemetry = createTelemetry()
  const [here, there] = [await openBus(), await openBus(database.url, telemetry)]
  const heard = listenTo(there)
  const back = telemetry.once('bus.reconnected')
  const { rows } = await sql.query<{ killed: number }>(KILL_LISTENERS)
  expect(rows[0]?.killed).toBe(2)
  await back
  expect(heard.all).toBe(1)
  expect(heard.work).toBe(1)
  here.inboxesMoved([inboxOf('ada')])
  await until('hints arrive again', () => heard.inboxes.size === 1)
  await here.close()
  await there.close()
})

test('a listener that cannot reach the database for a while goes on trying until it can', async () => {
  const gate = await openTcpGate(Number(new URL(database.url).port))
  const telemetry = createTelemetry()
  const throughGate = new URL(database.url)
  throughGate.port = String(gate.port)
  const [here, there] = [await openBus(), await openBus(throughGate.href, telemetry)]
  const heard = listenTo(there)
  for (const outage of [1, 2]) {
    await gate.shut()
    const back = telemetry.once('bus.reconnected')
    here.inboxesMoved([inboxOf(`lost-${outage}`)])
    await until('the listener is gone', async () => {
      const { rows } = await sql.query(
        `select from pg_stat_activity where datname = current_database() and application_name = 'carillon bus'`,
      )
      return rows.length === 1
    })
    await gate.open()
    await back
    expect(heard.all).toBe(outage)
    here.inboxesMoved([inboxOf(`after-${outage}`)])
    await until('hints arrive again', () => heard.inboxes.has(`acme/after-${outage}`))
  }
  await here.close()
  await there.close()
  await gate.close()
})

test('a notification that is no hint is reported and harms nobody', async () => {
  const telemetry = createTelemetry()
  const failures: Error[] = []
  telemetry.on('bus.failed', ({ error }) => void failures.push(error))
  const [here, there] = [await openBus(), await openBus(database.url, telemetry)]
  const heard = listenTo(there)
  const junk = ['not json', 'null', '7', '{"inboxes":7}', '{"inboxes":["acme"]}', '']
  for (const payload of junk) await sql.query('select pg_notify($1, $2)', ['carillon', payload])
  here.inboxesMoved([inboxOf('ada')])
  await until('the next hint arrives', () => heard.inboxes.size > 0)
  expect([...heard.inboxes]).toEqual(['acme/ada'])
  expect(failures.length).toBeGreaterThanOrEqual(4)
  await here.close()
  await there.close()
})

test('hints that cannot be sent are reported, and the bus goes on', async () => {
  const telemetry = createTelemetry()
  const gate = await openTcpGate(Number(new URL(database.url).port))
  const throughGate = new URL(database.url)
  throughGate.port = String(gate.port)
  const own = openDatabase({ url: throughGate.href, connections: 1 })
  const here = await openPostgresBus({ url: database.url, pool: own.system, telemetry })
  const there = await openBus()
  const heard = listenTo(there)
  await gate.shut()
  const failed = telemetry.once('bus.failed')
  here.inboxesMoved([inboxOf('lost')])
  await failed
  await gate.open()
  here.inboxesMoved([inboxOf('ada')])
  await until('the next hint arrives', () => heard.inboxes.has('acme/ada'))
  await here.close()
  await there.close()
  await own.close()
  await gate.close()
})
