import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Adapter, type DeliverResult, memory } from '../../../server/index.ts'
import { removeTenant } from '../../../server/operations/tenant-removal.ts'
import { disableTenant, enableTenant } from '../../../server/operations/tenants.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { comment, HOURLY } from '../../support/digests.ts'
import { mention, page } from '../../support/notifiers.ts'
import { report, takesEvents } from '../../support/reports.ts'
import { until } from '../../support/until.ts'
import { invoiceOverdue } from '../../support/workflows.ts'

/** A provider whose calls stay open until the test answers them. */
const calls: { answer(result: DeliverResult): void }[] = []
const slow: Adapter = {
  name: 'slow',
  deliver: () => new Promise((resolve) => calls.push({ answer: resolve })),
}
const faults: Error[] = []

let carillon: TestCarillon
/** Where who gets mail of the tenant that is to leave unsubscribes. */
let link: string
beforeAll(async () => {
  const mail = memory()
  const adapters = {
    email: { ...mail, ...takesEvents, deliver: mail.deliver },
    pager: slow,
    books: memory({ name: 'books' }),
  }
  const config = { notifiers: [mention, invoiceOverdue, comment, page], adapters, digestRules: [HOURLY] }
  carillon = await startCarillon(config, { publicUrl: 'https://notify.example.test' })
  const { telemetry, unsubscribeUrl } = carillon.app
  telemetry.on('worker.failed', ({ error }) => void faults.push(error))
  telemetry.on('request.failed', ({ error }) => void faults.push(error))
  const subject = {
    recipientId: 'ada',
    channel: 'email',
    category: null,
    notificationKey: 'comment.mentioned',
  } as const
  link = new URL(unsubscribeUrl({ tenantId: 'leaving', ...subject }) as string).pathname
})
afterAll(() => carillon.close())

const TRIGGER = 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }'
const CANCEL = 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { __typename } }'
const OTHERS = `mutation {
  subscribeToTopic(input: { topicKey: "releases", recipientIds: ["ada"] }) { __typename }
  setPolicySettings(input: { recipientId: "ada", timeZone: "Europe/Berlin" }) { __typename }
  setPreferences(input: { recipientId: "ada", preferences: [{ category: "comments", channel: "email", enabled: true }] }) { __typename }
  signal(input: { name: "shipped", recipientId: "ada" }) { __typename }
}`

/** A tenant with something of everything, sent and waiting. */
const fill = async (tenantId: string): Promise<{ readonly backendKey: string; readonly operatorKey: string }> => {
  const keys = await carillon.addTenant(tenantId)
  const recipients = [{ id: 'ada', email: 'ada@example.test', addresses: [{ channel: 'push', address: 'x' }] }]
  const trigger = (notificationKey: string, payload: object, more: object = {}) =>
    carillon.ok(keys.backendKey, TRIGGER, {
      input: { notificationKey, idempotencyKey: randomUUID(), payload, recipients, ...more },
    })
  await trigger('comment.mentioned', { author: 'Bob' })
  await carillon.drainJobs()
  const { event } = (await trigger('comment.mentioned', { author: 'Bob' })).trigger
  await carillon.ok(keys.operatorKey, CANCEL, { id: event.id })
  await carillon.ok(keys.operatorKey, OTHERS)
  await trigger('invoice.overdue', { invoiceId: 'i1', amount: 1 })
  await trigger('comment.added', {})
  await trigger('comment.mentioned', { author: 'Bob' }, { sendAt: '2999-01-01T00:00:00Z' })
  await report(carillon, 'memory', [{ status: 'delivered', deliveryId: 'nobody knows' }], tenantId)
  const days = `insert into daily_outcome values ($1, current_date, 'a', 'email', 'succeeded', '', 1)`
  await carillon.sql.query(days, [tenantId])
  await carillon.sql.query(`insert into daily_events values ($1, 'a', current_date, 1, now())`, [tenantId])
  return keys
}

/** How many rows of a tenant each table has that has any, by the catalogue. */
const rowsOf = async (tenantId: string): Promise<Record<string, number>> => {
  const { rows: tables } = await carillon.sql.query<{ name: string; key: string }>(
    `select c.relname as name, case when c.relname = 'tenant' then 'id' else 'tenant_id' end as key
    from pg_class c join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and (a.attname = 'tenant_id' or (c.relname = 'tenant' and a.attname = 'id')) order by 1`,
  )
  const counts: Record<string, number> = {}
  for (const { name, key } of tables) {
    const { rows } = await carillon.sql.query(`select count(*)::int as count from "${name}" where "${key}" = $1`, [
      tenantId,
    ])
    counts[name] = rows[0].count
  }
  return counts
}

const disabledLongAgo = async (tenantId: string): Promise<void> => {
  await disableTenant(carillon.app.db, tenantId)
  await carillon.sql.query(`update tenant set disabled_at = disabled_at - interval '1 hour' where id = $1`, [tenantId])
}

const remaining = (counts: Record<string, number>) => Object.entries(counts).filter(([, count]) => count > 0)

test('a removed tenant leaves no row in any table, and its neighbour keeps all', async () => {
  await fill('staying')
  await fill('leaving')
  const [before, neighbours] = [await rowsOf('leaving'), await rowsOf('staying')]
  // Of what there is nothing before, the test would say nothing.
  expect(Object.keys(before).filter((table) => before[table] === 0)).toEqual([])
  await disabledLongAgo('leaving')
  const told: Record<string, number> = {}
  const removed = await removeTenant(carillon.app.db, 'leaving', {
    onRemoved: (table, count) => {
      told[table] = (told[table] ?? 0) + count
    },
  })
  expect(remaining(await rowsOf('leaving'))).toEqual([])
  const { tenant: _, ...all } = before
  expect([removed, told]).toEqual([all, all])
  expect(await rowsOf('staying')).toEqual(neighbours)
})

test('what still comes to a removed tenant by its links and webhooks leaves nothing', async () => {
  expect(await report(carillon, 'memory', [{ status: 'delivered' }], 'leaving')).toBe(401)
  const response = await fetch(carillon.graphqlUrl.replace('/graphql', link), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'List-Unsubscribe=One-Click',
  })
  expect(response.status).toBe(200)
  expect(remaining(await rowsOf('leaving'))).toEqual([])
})

/** A call of a provider that a worker has in hand. */
const inHand = async (tenantId: string) => {
  const { backendKey } = await carillon.addTenant(tenantId)
  await carillon.ok(backendKey, TRIGGER, {
    input: { notificationKey: 'pager.call', idempotencyKey: 'k', payload: {}, recipients: [{ id: 'ada' }] },
  })
  const before = calls.length
  const drained = carillon.drainJobs()
  const call = await until('the provider is called', () => calls[before])
  await disabledLongAgo(tenantId)
  return { call, drained }
}

test('what a worker has in hand is waited for, and recorded before it goes', async () => {
  const { call, drained } = await inHand('busy')
  let waited = 0
  const removing = removeTenant(carillon.app.db, 'busy', { onWaiting: () => (waited += 1) })
  await until('it is waited for', () => waited > 0)
  expect(await rowsOf('busy')).toMatchObject({ due: 1, delivery: 1, delivery_attempt: 0, event: 1 })
  call.answer({ outcome: 'accepted' })
  await drained
  expect(await removing).toMatchObject({ delivery: 1, delivery_attempt: 1 })
  expect(remaining(await rowsOf('busy'))).toEqual([])
})

test('a worker that comes back after its lease, to a tenant that is gone, records nothing and fails at nothing', async () => {
  const { call, drained } = await inHand('late')
  await carillon.sql.query(`update due set lease_until = now() - interval '1 hour' where tenant_id = 'late'`)
  await removeTenant(carillon.app.db, 'late')
  call.answer({ outcome: 'temporary', reason: 'busy' })
  await drained
  expect(remaining(await rowsOf('late'))).toEqual([])
  expect(faults).toEqual([])
})

test('a tenant that is being removed cannot be enabled, and its removal goes on where it stopped', async () => {
  await fill('halfway')
  await disabledLongAgo('halfway')
  const stop = new Error('stopped')
  const removing = removeTenant(carillon.app.db, 'halfway', {
    onRemoved: (table) => {
      if (table === 'event') throw stop
    },
  })
  await expect(removing).rejects.toBe(stop)
  await expect(enableTenant(carillon.app.db, 'halfway')).rejects.toMatchObject({ code: 'INVALID_STATE' })
  expect((await rowsOf('halfway'))['recipient']).toBeGreaterThan(0)
  await removeTenant(carillon.app.db, 'halfway')
  expect(remaining(await rowsOf('halfway'))).toEqual([])
})
