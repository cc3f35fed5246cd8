import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { applyMigrations, migrationStatus } from '../../prisma/migrate.ts'
import { type CarillonConfig, defineConfig, defineNotifier } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { createTestDatabase } from '../support/database.ts'
import { copyMigrations, earlierDatabase, migrationNames, type Rows, readRows } from '../support/earlier-states.ts'
import { brokenInvariants } from '../support/invariants.ts'

const NAMES = await migrationNames()

/** The states that a database may be in before this version: one for each migration but the last. */
const EARLIER = NAMES.slice(0, -1).map((name, index) => ({ name, names: NAMES.slice(0, index + 1) }))

const isBusy = { now: true }

const config: CarillonConfig = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'news',
      version: 1,
      category: 'product',
      payload: z.object({ title: z.string() }),
      channels: ['in_app', 'email', 'pager'],
      render: {
        in_app: ({ payload }) => payload,
        email: ({ payload }) => ({ subject: payload.title, text: payload.title, html: payload.title }),
        pager: ({ payload }) => payload,
      },
    }),
  ],
  adapters: {
    email: { name: 'mail', deliver: async () => ({ outcome: 'accepted', providerMessageId: 'm1' }) },
    pager: {
      name: 'pager',
      retry: { attempts: 20, firstDelay: '1s', maxDelay: '1s' },
      deliver: async () => (isBusy.now ? { outcome: 'temporary', reason: 'busy' } : { outcome: 'accepted' }),
    },
  },
})

const TRIGGER = `mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }`

const news = (carillon: TestCarillon, title: string, recipients: readonly object[]): Promise<unknown> =>
  carillon.ok(carillon.backendKey, TRIGGER, {
    input: { notificationKey: 'news', idempotencyKey: title, payload: { title }, recipients },
  })

const INBOX = `{ inbox { counts { total unread unseen }
  notifications(first: 20, filter: {}) { edges { node { content { title } readAt archivedAt } } } } }`

const DELIVERIES = `{ deliveries(first: 50) { edges { node { id channel status suppressionReason attempts { outcome reason } } } } }`

const EXPLAIN = 'query ($id: ID!) { explainDelivery(deliveryId: $id) { status summary timeline { event } } }'

/** What people see of a database: Bob's inbox, and every delivery with its explanation. */
const lookAt = async (carillon: TestCarillon) => {
  const { deliveries } = await carillon.ok(carillon.operatorKey, DELIVERIES)
  const nodes: { id: string; status: string; channel: string }[] = deliveries.edges.map(
    ({ node }: { node: object }) => node,
  )
  const explained = []
  for (const { id } of nodes) explained.push((await carillon.ok(carillon.operatorKey, EXPLAIN, { id })).explainDelivery)
  return { inbox: (await carillon.ok(await carillon.tokenFor('bob'), INBOX)).inbox, nodes, explained }
}

let scratch: string
let seen: Awaited<ReturnType<typeof lookAt>>
let rows: Rows

/** A life before the upgrade, of what every state can hold: sent, waiting for another try, suppressed, read, put away. */
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'carillon-upgrade-'))
  const carillon = await startCarillon(config)
  const bob = { id: 'bob', email: 'bob@example.test', displayName: 'Bob', timeZone: 'Europe/London' }
  await carillon.ok(
    carillon.backendKey,
    `mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { __typename } }`,
    { input: { recipientId: 'eve', preferences: [{ channel: 'email', enabled: false }] } },
  )
  for (const title of ['first', 'second', 'third'])
    await news(carillon, title, [bob, { id: 'eve', email: 'eve@x.test' }])
  await carillon.drainJobs()
  const token = await carillon.tokenFor('bob')
  const { inbox } = await carillon.ok(token, '{ inbox { notifications(first: 3) { edges { node { id } } } } }')
  const [newest, middle] = inbox.notifications.edges.map(({ node }: { node: { id: string } }) => node.id)
  const mark = (action: string, id: string) =>
    carillon.ok(token, `mutation ($input: InboxSelectionInput!) { ${action}(input: $input) { affectedCount } }`, {
      input: { ids: [id] },
    })
  await mark('markRead', newest)
  await mark('archive', middle)
  seen = await lookAt(carillon)
  rows = await readRows(carillon.sql)
  await carillon.close()
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const databaseOf = (names: readonly string[]) => earlierDatabase(names, { rows, scratch })

test.each(EARLIER)(
  'a database as $name left it comes up to date with all it holds, is explained as before, and what was waiting is sent',
  async ({ names }) => {
    const database = await databaseOf(names)
    isBusy.now = true
    expect(await applyMigrations(database.url)).toEqual(NAMES.slice(names.length))
    expect(await brokenInvariants(database.sql)).toEqual([])
    const carillon = await startCarillon(config, { databaseUrl: database.url })
    expect(await lookAt(carillon)).toEqual(seen)

    isBusy.now = false
    await database.sql.query("update due set due_at = now() - interval '1 second' where kind = 'delivery'")
    await carillon.drainJobs()
    await news(carillon, 'after', [{ id: 'bob' }])
    await carillon.drainJobs()
    const { nodes } = await lookAt(carillon)
    expect([...new Set(nodes.filter(({ channel }) => channel === 'pager').map(({ status }) => status))]).toEqual([
      'SUCCEEDED',
    ])
    expect(await brokenInvariants(database.sql)).toEqual([])
    await carillon.close()
    await database.drop()
  },
  60_000,
)

test('a migration that a long transaction keeps waiting gives way to requests meanwhile, and is applied once that is done', async () => {
  const database = await createTestDatabase()
  const next = '99990101000000_next'
  const directory = await copyMigrations(NAMES, join(scratch, 'next'))
  await mkdir(join(directory, next))
  await writeFile(
    join(directory, next, 'migration.sql'),
    `alter table event add column from_the_future text;
     alter table delivery add column from_the_future text;
     create table from_the_future (n int);`,
  )
  const carillon = await startCarillon(config, { databaseUrl: database.url })
  // On as many connections as there are.
  const afterwards = async () => {
    await Promise.all(['one', 'two', 'three'].map((title) => news(carillon, title, [{ id: title }])))
    await news(carillon, 'afterwards', [{ id: 'bob' }])
    await carillon.drainJobs()
    const token = await carillon.tokenFor('bob')
    await carillon.ok(token, 'mutation { markRead(input: { filter: {} }) { affectedCount } }')
    await carillon.ok(carillon.operatorKey, '{ exportRecipient(recipientId: "bob") }')
  }
  // Every statement has its plan, made before the migration.
  await afterwards()
  const reader = new pg.Client({ connectionString: database.url })
  await reader.connect()
  await reader.query('begin')
  await reader.query('select from delivery')
  const migrating = applyMigrations(database.url, { directory })
  await expect
    .poll(
      async () =>
        (await carillon.sql.query(`select from pg_locks where relation = 'delivery'::regclass and not granted`))
          .rowCount,
      { timeout: 20_000 },
    )
    .toBe(1)
  // The reader is still there, and so is the migration, at one of its tries.
  await news(carillon, 'in between', [{ id: 'bob' }])
  expect((await carillon.sql.query(`select to_regclass('from_the_future') as it`)).rows).toEqual([{ it: null }])
  await reader.query('rollback')
  await reader.end()
  expect(await migrating).toEqual([next])

  // The version before the migration, still running, goes on beside it.
  await afterwards()
  expect((await lookAt(carillon)).inbox.counts).toEqual({ total: 2, unread: 0, unseen: 0 })
  await carillon.close()
  await database.drop()
}, 90_000)

test('a version that is older than its database refuses to start, and says which version can', async () => {
  const database = await createTestDatabase()
  const older = await copyMigrations(NAMES.slice(0, -1), join(scratch, 'older'))
  await expect(applyMigrations(database.url, { directory: older })).rejects.toThrow(
    `The database has the migration ${NAMES.at(-1)}, which this version of Carillon does not know: a newer one was here. Run that version or a later one`,
  )
  // As `carillon doctor` and `carillon migrate --status` ask.
  await expect(migrationStatus(database.url, { directory: older })).rejects.toThrow('a newer one was here')
  await database.drop()
})
