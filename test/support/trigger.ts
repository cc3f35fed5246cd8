import { randomUUID } from 'node:crypto'
import type { GraphQLAnswer, TestCarillon } from './carillon.ts'

export const TRIGGER = `mutation ($input: TriggerInput!) {
  trigger(input: $input) {
    deduplicated
    event { id status recipientCount plannedRecipientCount idempotencyKey correlationId actorId payload }
  }
}`

export type TriggerInput = Record<string, unknown>

/** A trigger that is accepted as it stands, with a key of its own. */
export const triggerInput = (input: TriggerInput = {}): TriggerInput => ({
  notificationKey: 'greeting',
  idempotencyKey: randomUUID(),
  payload: { text: 'hello' },
  recipients: [{ id: 'ada' }],
  ...input,
})

/** Triggers, and fails where that is refused. */
export const trigger = async (carillon: TestCarillon, input: TriggerInput = {}): Promise<GraphQLAnswer['data']> =>
  (await carillon.ok(carillon.backendKey, TRIGGER, { input: triggerInput(input) })).trigger

export const tryTrigger = (carillon: TestCarillon, input: TriggerInput = {}): Promise<GraphQLAnswer> =>
  carillon.ask(carillon.backendKey, TRIGGER, { input: triggerInput(input) })

/** What an answer was refused with; fails where it was not, or not by one error alone. */
export const refusalOf = ({ errors }: GraphQLAnswer): { readonly code: unknown; readonly path: unknown } => {
  if (errors.length !== 1) throw new Error(`expected one error, got ${JSON.stringify(errors)}`)
  const { code, path } = errors[0]?.extensions ?? {}
  return { code, path: Array.isArray(path) ? path.join('.') : path }
}

const TABLES = [
  'event',
  'event_recipient',
  'notification',
  'delivery',
  'delivery_decision',
  'delivery_attempt',
  'delivery_transition',
  'due',
  'recipient',
  'recipient_address',
] as const

/** How many rows there are of each table that a trigger writes. Empty inboxes are no trace: one exists for everybody. */
export const countRows = async ({ sql }: TestCarillon): Promise<Record<string, number>> => {
  const { rows } = await sql.query(
    `select ${TABLES.map((table) => `(select count(*)::int from ${table}) as ${table}`).join(', ')},
      (select coalesce(sum(version + position + total), 0)::int from inbox) as inbox`,
  )
  return rows[0]
}
