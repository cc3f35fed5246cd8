import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../server/db/client.ts'
import { type Claim, claimDue } from '../../server/db/sql/claim-due.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const QUEUED = 5_000
const LANES = new Map([
  ['email', 10],
  ['sms', 5],
  ['in_app', 100],
])

let testDatabase: TestDatabase
let database: Database
beforeAll(async () => {
  testDatabase = await createTestDatabase()
  // As the job loop sees it: the settings of its connections are a part of the plan.
  database = openDatabase({ url: testDatabase.url, connections: 1 })
  // What was put in last is due first, as it is where much was put off.
  await database.system.query(
    `insert into due (tenant_id, kind, subject_id, lane, due_at)
     select 'acme', 'delivery', gen_random_uuid(), case when i % 2 = 0 then 'email' else 'sms' end, now() - i * interval '1 second'
     from generate_series(1, $1) i`,
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

test.each(['before', 'after'])(
  'claiming a few reads a few, however long the queue is, %s it was analysed',
  async (when) => {
    if (when === 'after') {
      const owner = new pg.Client({ connectionString: testDatabase.url })
      await owner.connect()
      await owner.query('analyze due')
      await owner.end()
    }
    const { text, values } = claimDue(LANES, { now: null, leaseMs: 30_000 })
    const { rows } = await database.system.query(`explain (analyze, format json) ${text}`, values)
    expect(mostRows(rows[0]['QUERY PLAN'][0].Plan)).toBeLessThan(100)
  },
)

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
