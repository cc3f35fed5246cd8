import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../server/db/client.ts'
import { type Claim, claimDue, type Offer } from '../../server/db/sql/claim-due.ts'
import { MOST_TENANTS, readWaitingTenants, type WaitingTenantRow } from '../../server/db/sql/read-waiting-tenants.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const QUEUED = 5_000
const LANES: readonly Offer[] = [
  { lane: 'email', tenantId: null, places: 10 },
  { lane: 'sms', tenantId: null, places: 5 },
  { lane: 'in_app', tenantId: null, places: 100 },
]

let testDatabase: TestDatabase
let database: Database
beforeAll(async () => {
  testDatabase = await createTestDatabase()
  // As the job loop sees it: the settings of its connections are a part of the plan.
  database = openDatabase({ url: testDatabase.url, connections: 1 })
  // What was put in last is due first, as it is where much was put off.
  await database.system.query(
    `insert into due (tenant_id, kind, subject_id, lane, due_at)
     select tenant, 'delivery', gen_random_uuid(), case when tenant = 'middle' then 'push' when i % 2 = 0 then 'email' else 'sms' end, now() - i * interval '1 second'
     from generate_series(1, $1) i, unnest(array['acme', 'middle']) tenant`,
    [QUEUED],
  )
})
afterAll(async () => {
  await database.close()
  await testDatabase.drop()
})

interface PlanNode {
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly PlanNode[]
}
/** The most rows that any step of a plan has gone through. */
const mostRows = (node: PlanNode): number =>
  Math.max(
    (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
    ...(node.Plans ?? []).map(mostRows),
  )

const OF_TENANTS: readonly Offer[] = [
  { lane: 'email', tenantId: 'acme', places: 10 },
  { lane: 'email', tenantId: 'small', places: 10 },
]

test.each(['before', 'after'])(
  'claiming a few reads a few, however long the queue is, %s it was analysed',
  async (when) => {
    if (when === 'after') {
      const owner = new pg.Client({ connectionString: testDatabase.url })
      await owner.connect()
      await owner.query('analyze due')
      await owner.end()
    }
    const statements = [
      claimDue(LANES, { now: null, leaseMs: 30_000 }),
      claimDue(OF_TENANTS, { now: null, leaseMs: 30_000 }),
      readWaitingTenants(new Map([['email', '']]), null),
    ]
    for (const { text, values } of statements) {
      const { rows } = await database.system.query(`explain (analyze, format json) ${text}`, values)
      expect(mostRows(rows[0]['QUERY PLAN'][0].Plan)).toBeLessThan(100)
    }
  },
)

const crowd = async (lane: string, after = ''): Promise<readonly WaitingTenantRow[]> =>
  (await database.system.query<WaitingTenantRow>(readWaitingTenants(new Map([[lane, after]]), null))).rows

const queue = (lane: string, tenants: readonly string[], dueIn: string): Promise<unknown> =>
  database.system.query(
    `insert into due (tenant_id, kind, subject_id, lane, due_at)
     select tenant, 'delivery', gen_random_uuid(), $1, now() + $3::interval from unnest($2::text[]) tenant`,
    [lane, tenants, dueIn],
  )

test('an offer to a tenant claims what is theirs alone, behind however much of another', async () => {
  await queue('email', ['small', 'small', 'small'], '-1 second')
  const offer: Offer = { lane: 'email', tenantId: 'small', places: 2 }
  const { rows } = await database.system.query<Claim>(claimDue([offer], { now: null, leaseMs: 30_000 }))
  expect(rows.map(({ tenant_id: tenant }) => tenant)).toEqual(['small', 'small'])
})

test('the tenants of a lane come round in a ring, each with whether it waits', async () => {
  await queue('ring', ['a', 'b', 'd'], '-1 second')
  await queue('ring', ['c'], '1 hour')
  await queue('empty', [], '0')
  await database.system.query<Claim>(
    claimDue([{ lane: 'ring', tenantId: 'b', places: 1 }], { now: null, leaseMs: 30_000 }),
  )
  const told = (rows: readonly WaitingTenantRow[]) => rows.map((row) => `${row.tenant_id}${row.waits ? '' : ' not'}`)
  expect(told(await crowd('ring'))).toEqual(['a', 'b not', 'c not', 'd'])
  expect(told(await crowd('ring', 'b'))).toEqual(['c not', 'd', 'a', 'b not'])
  expect(told(await crowd('ring', 'd'))).toEqual(['a', 'b not', 'c not', 'd'])
  expect(await crowd('empty')).toEqual([])
})

test('of very many tenants so many are looked at in one go, and the next from there on', async () => {
  const tenants = Array.from({ length: MOST_TENANTS + 10 }, (_, index) => `t${String(index).padStart(4, '0')}`)
  await queue('many', tenants, '-1 second')
  const first = (await crowd('many')).map((row) => row.tenant_id)
  expect(first).toEqual(tenants.slice(0, MOST_TENANTS))
  const next = (await crowd('many', first.at(-1))).map((row) => row.tenant_id)
  expect(next).toEqual([...tenants.slice(MOST_TENANTS), ...tenants.slice(0, MOST_TENANTS - 10)])
})

test('what is due first is claimed first, up to the capacity of each lane, and by one alone', async () => {
  const claim = async () => (await database.system.query<Claim>(claimDue(LANES, { now: null, leaseMs: 30_000 }))).rows
  const dueAt = async (claims: readonly Claim[], lane: string): Promise<number[]> => {
    const ids = claims.filter((one) => one.lane === lane).map((one) => one.subject_id)
    const { rows } = await database.system.query<{ age: number }>(
      'select round(extract(epoch from now() - due_at))::int4 as age from due where subject_id = any ($1) order by due_at desc',
      [ids],
    )
    return rows.map(({ age }) => age)
  }
  const [first, second] = [await claim(), await claim()]
  for (const claims of [first, second]) {
    expect(claims.filter(({ lane }) => lane === 'email')).toHaveLength(10)
    expect(claims.filter(({ lane }) => lane === 'sms')).toHaveLength(5)
  }
  expect(new Set([...first, ...second].map(({ subject_id: id }) => id)).size).toBe(30)
  expect(new Set([...first, ...second].map(({ token }) => token)).size).toBe(30)
  for (const lane of ['email', 'sms']) {
    const [oldest, next] = [await dueAt(first, lane), await dueAt(second, lane)]
    expect(Math.min(...oldest)).toBeGreaterThan(Math.max(...next))
  }
})
