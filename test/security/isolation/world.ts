import { randomUUID } from 'node:crypto'
import { encodeNodeId, NODE_TYPES, type NodeType } from '../../../server/core/node-id.ts'
import { memory } from '../../../server/index.ts'
import { createApiKey } from '../../../server/operations/credentials.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { comment, HOURLY } from '../../support/digests.ts'
import { mention } from '../../support/notifiers.ts'
import { report, takesEvents } from '../../support/reports.ts'
import type { AskedIds } from '../../support/root-fields.ts'
import { TRIGGER, triggerInput } from '../../support/trigger.ts'
import { invoiceOverdue } from '../../support/workflows.ts'

export const ROLES = ['backend', 'operator', 'recipient'] as const
export type Role = (typeof ROLES)[number]

/** One tenant: its keys, a token of its recipient ada and one of bob, and what stands in all that is ada's and bob's. */
export interface House {
  readonly tenantId: string
  readonly keys: Readonly<Record<Role, string>>
  readonly bobToken: string
  readonly marks: { readonly ada: string; readonly bob: string }
}

export interface World {
  readonly carillon: TestCarillon
  readonly ours: House
  readonly theirs: House
  /** Opaque ids of rows of our ada's, one of each kind. */
  readonly ids: Readonly<Record<NodeType, string>>
}

export const MARK = { ours: 'only-ours', theirs: 'only-theirs' } as const

/** One of everything there is, for both recipients, each with its own mark in every text. */
const furnish = async (carillon: TestCarillon, house: House): Promise<void> => {
  const { backend, operator } = house.keys
  const send = (notificationKey: string, payload: object, recipients: readonly object[], correlationId: string) =>
    carillon.ok(backend, TRIGGER, { input: triggerInput({ notificationKey, payload, recipients, correlationId }) })
  for (const id of ['ada', 'bob'] as const) {
    const mark = house.marks[id]
    const email = `${mark}@example.test`
    const recipients = [
      { id, displayName: mark, email, data: { mark }, addresses: [{ channel: 'push', address: `push ${mark}` }] },
    ]
    await send('comment.mentioned', { author: mark, text: mark }, recipients, mark)
    await carillon.drainJobs()
    await send('comment.added', { thread: mark, text: mark }, recipients, mark)
    await send('invoice.overdue', { invoiceId: mark, amount: 1 }, recipients, mark)
    await carillon.drainJobs()
    const settings = `mutation ($id: ID!, $mark: String!) {
      subscribeToTopic(input: { topicKey: $mark, recipientIds: [$id] }) { __typename }
      signal(input: { name: $mark, recipientId: $id }) { __typename }
      setPreferences(input: { recipientId: $id, preferences: [{ channel: "pager", category: $mark, enabled: true }] }) { __typename }
    }`
    await carillon.ok(backend, settings, { id, mark })
  }
  const found = await carillon.ok(
    operator,
    '{ deliveries(filter: { channel: "email", recipientId: "ada", status: SUCCEEDED }) { edges { node { id } } } }',
  )
  const deliveryId = found.deliveries.edges[0].node.id
  const said = [{ providerEventId: house.marks.ada, status: 'delivered', deliveryId }]
  const status = await report(carillon, 'memory', said, house.tenantId)
  if (status >= 300) throw new Error(`the report was answered with ${status}`)
  await carillon.drainJobs()
}

/** Where the rows of each kind are, and which of them are ada's. */
const ROWS: Readonly<Record<NodeType, readonly [id: string, from: string]>> = {
  Recipient: ['recipient_id', "recipient where recipient_id = 'ada'"],
  RecipientAddress: ['id', "recipient_address where recipient_id = 'ada'"],
  Event: ['id', 'event where correlation_id = $2'],
  Notification: ['id', "notification where recipient_id = 'ada'"],
  Delivery: ['id', "delivery where recipient_id = 'ada'"],
  DeliveryAttempt: [
    'a.id',
    "delivery_attempt a join delivery d on d.tenant_id = a.tenant_id and d.id = a.delivery_id where d.recipient_id = 'ada'",
  ],
  WebhookIngress: ['id', 'webhook_ingress where provider_event_id = $2'],
  Topic: ['id', 'topic where key = $2'],
  DigestRule: ['id', 'digest_rule where true'],
  DigestBucket: ['id', "digest_bucket where recipient_id = 'ada'"],
  WorkflowRun: ['id', "workflow_run where recipient_id = 'ada'"],
  WorkflowTransition: [
    't.id',
    "workflow_transition t join workflow_run r on r.tenant_id = t.tenant_id and r.id = t.run_id where r.recipient_id = 'ada'",
  ],
  Signal: ['id', 'signal where name = $2'],
}

const idsOf = async ({ sql }: TestCarillon, { tenantId, marks }: House): Promise<World['ids']> => {
  const ids = await Promise.all(
    NODE_TYPES.map(async (type) => {
      const [column, from] = ROWS[type]
      const tenant = `${column.includes('.') ? `${column.split('.')[0]}.` : ''}tenant_id`
      // The parameter for the mark is named in each, whether its filter asks for it or not.
      const { rows } = await sql.query<{ id: string }>(
        `select ${column} as id from ${from} and ${tenant} = $1 and $2::text is not null limit 1`,
        [tenantId, marks.ada],
      )
      if (!rows[0]) throw new Error(`ada has no ${type}`)
      return [type, encodeNodeId(type, rows[0].id)] as const
    }),
  )
  return Object.fromEntries(ids) as Record<NodeType, string>
}

const tokenOf = async (carillon: TestCarillon, key: string, recipientId: string): Promise<string> => {
  const mutation = 'mutation ($input: CreateRecipientTokenInput!) { createRecipientToken(input: $input) { token } }'
  return (await carillon.ok(key, mutation, { input: { recipientId } })).createRecipientToken.token
}

const moveIn = async (
  carillon: TestCarillon,
  { tenantId, backendKey, mark }: { readonly tenantId: string; readonly backendKey: string; readonly mark: string },
): Promise<House> => {
  const operator = await createApiKey(carillon.app.db, { tenantId, scopes: ['OPERATE'], label: mark })
  const recipient = await tokenOf(carillon, backendKey, 'ada')
  const house = {
    tenantId,
    keys: { backend: backendKey, operator, recipient },
    bobToken: await tokenOf(carillon, backendKey, 'bob'),
    marks: { ada: `${mark}-ada`, bob: `${mark}-bob` },
  }
  await furnish(carillon, house)
  return house
}

/** Two tenants on one server, each with recipients of the same names and one of everything. */
export const buildWorld = async (): Promise<World> => {
  const adapters = { email: { ...memory(), ...takesEvents }, books: memory({ name: 'books' }) }
  const carillon = await startCarillon({
    notifiers: [mention, invoiceOverdue, comment],
    adapters,
    digestRules: [HOURLY],
  })
  const { backendKey } = await carillon.addTenant('neighbour')
  const ours = await moveIn(carillon, { tenantId: 'acme', backendKey: carillon.backendKey, mark: MARK.ours })
  const theirs = await moveIn(carillon, { tenantId: 'neighbour', backendKey, mark: MARK.theirs })
  return { carillon, ours, theirs, ids: await idsOf(carillon, ours) }
}

/** Ids of rows, as operations ask for them. */
export const askedIds = (ids: World['ids']): AskedIds => ({
  eventId: ids.Event,
  deliveryId: ids.Delivery,
  notificationId: ids.Notification,
  bucketId: ids.DigestBucket,
  workflowRunId: ids.WorkflowRun,
  addressId: ids.RecipientAddress,
})

/** Ids of the same kinds that were never given to anything. */
export const neverIssued = (): World['ids'] =>
  Object.fromEntries(NODE_TYPES.map((type) => [type, encodeNodeId(type, randomUUID())])) as World['ids']

/** All that a tenant has, and bob among it, as one text: equal texts, equal rows. */
export const everyRowOf = async ({ sql }: TestCarillon, tenantId: string): Promise<string> => {
  const { rows } = await sql.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1`,
  )
  const texts = await Promise.all(
    rows.map(async ({ name }) => {
      const all = await sql.query(
        // That a key was used is noted a while after.
        `select md5(string_agg(row, '|' order by row)) as sum
        from (select (to_jsonb(t) - 'last_used_at')::text as row from ${name} t where tenant_id = $1) rows`,
        [tenantId],
      )
      return `${name} ${all.rows[0].sum}`
    }),
  )
  return texts.join('\n')
}
