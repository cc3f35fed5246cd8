import { afterAll, beforeAll, expect, test } from 'vitest'
import { markInbox } from '../../server/operations/inbox.ts'
import { openInboxHub } from '../../server/realtime/inbox-hub.ts'
import { openPostgresBus } from '../../server/realtime/postgres-bus.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { until } from '../support/until.ts'
import { notesConfig, sendNotes } from './notes.ts'
import { openTcpGate } from './tcp-gate.ts'

const UPDATES = `subscription ($after: InboxCursor) {
  inboxUpdates(after: $after) { cursor counts { total unread } changed { id readAt } }
}`

let here: TestCarillon
let there: TestCarillon
beforeAll(async () => {
  // No sweep comes to help: what arrives has come by a hint.
  const options = { bus: 'postgres', sweepEveryMs: 3_600_000 } as const
  here = await startCarillon(notesConfig, options)
  there = await startCarillon(notesConfig, { ...options, databaseUrl: here.databaseUrl })
})
afterAll(async () => {
  await there.close()
  await here.close()
})

// biome-ignore lint/suspicious/noExplicitAny: whatever the query asked for.
type Update = any
const follow = async (server: TestCarillon, recipientId: string, after?: string) => {
  const socket = await openRawSocket(server.wsUrl, { token: await server.tokenFor(recipientId) })
  socket.subscribe('1', UPDATES, { after })
  const updates = (): Update[] =>
    socket.answers('1').flatMap(({ payload }) => (payload?.data ? [payload.data.inboxUpdates] : []))
  return {
    socket,
    updates,
    /** The first update that fits. */
    update: (fits: (update: Update) => boolean): Promise<Update> =>
      until('such an update came', () => updates().find(fits)),
  }
}

test('what one server commits, a front end of another sees', async () => {
  const follower = await follow(there, 'ada')
  await follower.update(() => true)
  await sendNotes(here, ['ada'])
  await follower.update(({ counts, changed }) => counts.total === 1 && changed.length === 1)
  await markInbox(here.app, { tenantId: here.tenantId, recipientId: 'ada' }, { action: 'read', filter: {} })
  await follower.update(({ counts, changed }) => counts.unread === 0 && changed[0]?.readAt != null)
  await follower.socket.end()
})

test('a front end that moves to another server with its cursor misses nothing and sees nothing twice', async () => {
  const titles: string[] = []
  let after: string | undefined
  for (const [round, server] of [here, there, here, there].entries()) {
    const follower = await follow(server, 'mover', after)
    await follower.update(() => true)
    await sendNotes(round % 2 === 0 ? there : here, ['mover'])
    const last = await follower.update(({ counts }) => counts.total === 2 * round + 1)
    titles.push(...follower.updates().flatMap(({ changed }) => changed.map((one: Update) => one.id)))
    after = last.cursor
    await follower.socket.end()
    await sendNotes(here, ['mover'])
  }
  const { inbox } = await here.ok(
    await here.tokenFor('mover'),
    '{ inbox { notifications(first: 50) { edges { node { id } } } } }',
  )
  const ids = inbox.notifications.edges.map(({ node }: Update) => node.id).reverse()
  expect(titles).toEqual(ids.slice(0, -1))
})

test('while the bus is away, what one server commits another finds with its sweep, and by hints again afterwards', async () => {
  const gate = await openTcpGate(Number(new URL(here.databaseUrl).port))
  const throughGate = new URL(here.databaseUrl)
  throughGate.port = String(gate.port)
  const { db, telemetry } = there.app
  const bus = await openPostgresBus({ url: throughGate.href, pool: db.system, telemetry })
  const hub = openInboxHub({ db, onError: () => {}, sweepEveryMs: 100 })
  const work = () => {}
  bus.listen({ inboxesMoved: hub.moved, workDue: work, deliveriesChanged: work, deliveriesTailed: work })
  const stream = hub.subscribe({ tenantId: here.tenantId, recipientId: 'unheard' }, 0)
  await stream.next()
  await gate.shut()
  await sendNotes(here, ['unheard'])
  expect((await stream.next()).value).toMatchObject({ version: 1, counts: { total: 1 } })
  const back = telemetry.once('bus.reconnected')
  await gate.open()
  await back
  await sendNotes(here, ['unheard'])
  expect((await stream.next()).value).toMatchObject({ version: 2 })
  hub.close()
  await bus.close()
  await gate.close()
})

test('who follows deliveries on one server sees those that another changes', async () => {
  const socket = await openRawSocket(there.wsUrl, { token: here.operatorKey })
  socket.subscribe('1', 'subscription { deliveryUpdates(filter: { recipientId: "tailed" }) { status } }')
  await until('the other server has heard that somebody does, and what it changed is seen', async () => {
    await sendNotes(here, ['tailed'])
    return socket.answers('1').some(({ payload }) => payload?.data?.deliveryUpdates.status === 'SUCCEEDED')
  })
  await socket.end()
})

test('a server whose listening connection is killed catches up by itself on what moved meanwhile', async () => {
  const follower = await follow(there, 'eve')
  await follower.update(() => true)
  const reconnected = there.app.telemetry.once('bus.reconnected')
  await here.sql.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'carillon bus'`,
  )
  await sendNotes(here, ['eve'])
  await reconnected
  await follower.update(({ counts }) => counts.total === 1)
  await sendNotes(here, ['eve'])
  await follower.update(({ counts }) => counts.total === 2)
  await follower.socket.end()
})
