import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { APPLICATION_ROLE } from '../../server/db/client.ts'
import { asTenant as asTenantInPool } from '../../server/db/transaction.ts'
import { memory } from '../../server/index.ts'
import { everyTestCounts } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { comment, HOURLY } from '../support/digests.ts'
import { mention } from '../support/notifiers.ts'
import { report, takesEvents } from '../support/reports.ts'
import { trigger } from '../support/trigger.ts'
import { invoiceOverdue, signal } from '../support/workflows.ts'

everyTestCounts('S11')

let carillon: TestCarillon
let tables: readonly { readonly name: string; readonly key: string }[]

beforeAll(async () => {
  const adapters = { email: { ...memory(), ...takesEvents }, books: memory({ name: 'books' }) }
  carillon = await startCarillon({ notifiers: [mention, invoiceOverdue, comment], adapters, digestRules: [HOURLY] })
  await carillon.addTenant('other')
  // Something of everything, and something that waits.
  const recipients = [{ id: 'ada', email: 'ada@example.test', addresses: [{ channel: 'push', address: 'x' }] }]
  for (let index = 0; index < 2; index++) {
    await trigger(carillon, { notificationKey: 'comment.mentioned', payload: { author: 'Bob' }, recipients })
    if (index === 0) await carillon.drainJobs()
  }
  const settings = `mutation {
    subscribeToTopic(input: { topicKey: "releases", recipientIds: ["ada"] }) { __typename }
    setPolicySettings(input: { recipientId: "ada", timeZone: "Europe/Berlin" }) { __typename }
  }`
  await carillon.ok(carillon.operatorKey, settings)
  await trigger(carillon, { notificationKey: 'invoice.overdue', payload: { invoiceId: 'i1', amount: 1 }, recipients })
  await trigger(carillon, { notificationKey: 'comment.added', payload: {}, recipients })
  await signal(carillon, { name: 'shipped', recipientId: 'ada' })
  await report(carillon, 'memory', [{ status: 'delivered', deliveryId: 'nobody knows' }])
  const { rows } = await carillon.sql.query<{ name: string; key: string }>(
    `select c.relname as name, case when bool_or(a.attname = 'tenant_id') then 'tenant_id' else 'id' end as key
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    group by c.relname having bool_or(a.attname = 'tenant_id') or c.relname = 'tenant' order by c.relname`,
  )
  tables = rows
})
afterAll(() => carillon.close())

/** Runs statements in a session of the application's role that has named this tenant, or none at all. */
const asTenant = async <T>(tenant: string | null, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const named = tenant === null ? '' : ` -c carillon.tenant=${tenant}`
  const client = new pg.Client({
    connectionString: carillon.databaseUrl,
    options: `-c role=${APPLICATION_ROLE}${named}`,
  })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

test('every table with tenants in it is guarded by a policy, for its owner as well', async () => {
  const { rows } = await carillon.sql.query(
    `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced,
      exists (select from pg_policy p where p.polrelid = c.oid and p.polqual is not null and p.polcmd = '*') as policy
    from pg_class c where c.relname = any($1) order by c.relname`,
    [tables.map(({ name }) => name)],
  )
  expect(tables.length).toBeGreaterThanOrEqual(14)
  expect(rows).toEqual(tables.map(({ name }) => ({ name, forced: true, policy: true })))
})

test('there is no table without a tenant but those that hold no data of one', async () => {
  const { rows } = await carillon.sql.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> all($1)`,
    [tables.map(({ name }) => name)],
  )
  expect(rows.map(({ name }) => name)).toEqual(['_prisma_migrations'])
})

test('the application is neither superuser nor exempt from policies, and owns nothing', async () => {
  const { rows } = await carillon.sql.query(
    `select rolsuper, rolbypassrls, (select count(*)::int from pg_class where relowner = r.oid) as owned from pg_roles r where rolname = $1`,
    [APPLICATION_ROLE],
  )
  expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false, owned: 0 }])
})

const countsIn = async (client: pg.Client) => {
  const counts: [string, { readonly count: number; readonly acme: number }][] = []
  for (const { name, key } of tables) {
    const query = `select count(*)::int, count(*) filter (where ${key} = 'acme')::int as acme from ${name}`
    counts.push([name, (await client.query(query)).rows[0]])
  }
  return counts
}

test('a session that has named no tenant sees no row', async () => {
  for (const tenant of [null, '', 'nobody']) {
    const counts = await asTenant(tenant, countsIn)
    expect(counts).toEqual(tables.map(({ name }) => [name, { count: 0, acme: 0 }]))
  }
})

test("a tenant's session sees its own rows and none of another's", async () => {
  for (const [name, { count, acme }] of await asTenant('acme', countsIn)) {
    expect([name, acme]).toEqual([name, count])
    // What a plain trigger leaves nothing in, is written for large audiences, or when something changes later or is pruned.
    if (!['event_recipient', 'delivery_transition', 'preference', 'daily_outcome', 'daily_events'].includes(name))
      expect([name, count]).not.toEqual([name, 0])
  }
  for (const [name, { acme }] of await asTenant('other', countsIn)) expect([name, acme]).toEqual([name, 0])
})

test("a tenant's session can neither change, remove nor make rows of another", async () => {
  await asTenant('other', async (client) => {
    expect((await client.query(`update notification set read_at = now()`)).rowCount).toBe(0)
    expect((await client.query(`delete from due`)).rowCount).toBe(0)
    const insert = client.query(`insert into inbox (tenant_id, recipient_id) values ('acme', 'zoe')`)
    await expect(insert).rejects.toMatchObject({ code: '42501' })
  })
})

test('a connection that served one tenant shows nothing of it to the next', async () => {
  const { prismaFor, tenant } = carillon.app.db
  expect(await prismaFor('acme').event.count()).toBe(4)
  expect(await prismaFor('other').event.count()).toBe(0)
  const { rows } = await tenant.query('select count(*)::int from event')
  expect(rows[0].count).toBe(0)
})

test('nothing that is called or looked at runs with the rights of its owner, past the policies', async () => {
  const { rows: functions } = await carillon.sql.query(
    `select p.proname as name from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef`,
  )
  expect(functions).toEqual([])
  const { rows: views } = await carillon.sql.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
      and not coalesce('security_invoker=true' = any(c.reloptions), false)`,
  )
  expect(views).toEqual([])
})

test('each policy is for every role, for reading and for writing, and asks for the tenant', async () => {
  const { rows } = await carillon.sql.query<{ name: string; using: string; check: string | null }>(
    `select c.relname as name, pg_get_expr(p.polqual, p.polrelid) as using,
      pg_get_expr(p.polwithcheck, p.polrelid) as check
    from pg_policy p join pg_class c on c.oid = p.polrelid where p.polroles = '{0}' order by 1`,
  )
  expect(rows.map(({ name }) => name)).toEqual(tables.map(({ name }) => name))
  for (const { name, using, check } of rows) {
    expect([name, using.includes('carillon.tenant')]).toEqual([name, true])
    // Where nothing is said of what is written, it is the same.
    expect([name, check === null || check === using]).toEqual([name, true])
  }
})

test('connections that serve two tenants by turns, many at once and some of them failing, show each its own', async () => {
  const { tenant } = carillon.app.db
  const look = (tenantId: string) =>
    asTenantInPool(tenant, tenantId, async (tx) => {
      const rows = await tx.query<{ tenant_id: string }>({ text: 'select tenant_id from notification' })
      return [...new Set(rows.map((row) => row.tenant_id))]
    })
  const fail = (tenantId: string) =>
    asTenantInPool(tenant, tenantId, (tx) => tx.query({ text: 'select 1 / 0' })).catch(() => null)
  const seen = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const tenantId = ['acme', 'other', 'nobody'][index % 3] as string
      if (index % 5 === 0) await fail(tenantId)
      return [tenantId, await look(tenantId)] as const
    }),
  )
  for (const [tenantId, tenants] of seen) expect(tenants).toEqual(tenantId === 'acme' ? ['acme'] : [])
  const { rows } = await tenant.query('select count(*)::int from notification')
  expect(rows[0].count).toBe(0)
})

test('a tenant is named for a transaction alone, wherever one is named', () => {
  const named = ['server', 'schema'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) =>
        [
          ...readFileSync(join(folder, file), 'utf8').matchAll(
            /set_config\('carillon\.tenant', [^)]*\)|\bset (?:session )?carillon\.tenant/gi,
          ),
        ].map(([text]) => text),
      ),
  )
  expect(named.length).toBeGreaterThan(0)
  for (const text of named) expect(text).toMatch(/, true\)$/)
})
