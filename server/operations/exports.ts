import type { InboxKey } from '../core/cursor.ts'
import { readAnswers } from '../core/decision.ts'
import { idFault } from '../core/json-limits.ts'
import { encodeNodeId } from '../core/node-id.ts'
import { exportStatements } from '../db/sql/export-recipient.ts'
import { readAsTenant } from '../db/transaction.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'

type Row = Readonly<Record<string, unknown>>

const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

/** A row under the names that the API has, without these columns, and without what is empty. */
const shown = (row: Row, ...hidden: readonly string[]): Row =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([name, value]) => value !== null && value !== '' && name !== 'tenant_id' && !hidden.includes(name))
      .map(([name, value]) => [camel(name), value instanceof Date ? value.toISOString() : value]),
  )

const grouped = (rows: readonly Row[], column: string): ReadonlyMap<unknown, readonly Row[]> => {
  const found = new Map<unknown, Row[]>()
  for (const row of rows) {
    const own = found.get(row[column])
    if (own) own.push(row)
    else found.set(row[column], [row])
  }
  return found
}

/**
 * All that is held about a recipient, as of one instant: what it told of itself, what it set, and all that it was sent,
 * with every decision and every call. The payload of an event that was for others too is not among it.
 */
export const exportRecipient = async ({ db, clock }: Capabilities, recipient: InboxKey): Promise<Row> => {
  const path = ['recipientId']
  const fault = idFault(recipient.recipientId, path)
  if (fault) throw badInput(`recipientId ${fault.message}`, path)
  const read = await readAsTenant(db.tenant, recipient.tenantId, async (tx) => {
    const names = Object.keys(exportStatements) as (keyof typeof exportStatements)[]
    const rows = await Promise.all(names.map((name) => tx.query<Row>(exportStatements[name](recipient))))
    return Object.fromEntries(names.map((name, index) => [name, rows[index] ?? []])) as Record<
      keyof typeof exportStatements,
      readonly Row[]
    >
  })
  const [attempts, decisions, transitions] = [read.attempts, read.decisions, read.transitions].map((rows) =>
    grouped(rows, 'delivery_id'),
  )
  const deliveries = grouped(read.deliveries, 'notification_id')
  const moves = grouped(read.moves, 'run_id')
  const runs = new Map(read.runs.map((row) => [row['id'], row]))

  const workflowRun = (row: Row): Row => ({
    ...shown(row, 'id'),
    transitions: (moves.get(row['id']) ?? []).map((one) => {
      const { signalId, ...context } = one['context'] as { readonly signalId?: string }
      const told = signalId === undefined ? context : { ...context, signalId: encodeNodeId('Signal', signalId) }
      return { ...shown(one, 'id', 'run_id', 'delivery_id', 'context'), context: told }
    }),
  })

  const delivery = (row: Row): Row => ({
    ...shown(row, 'id', 'notification_id', 'event_id', 'recipient_id', 'notification_key', 'position', 'in_run'),
    id: encodeNodeId('Delivery', row['id'] as string),
    attempts: (attempts?.get(row['id']) ?? []).map((one) => shown(one, 'id', 'delivery_id', 'address_key')),
    decisions: (decisions?.get(row['id']) ?? []).map((one) => ({
      ...shown(one, 'id', 'delivery_id'),
      answers: readAnswers(one['answers']),
    })),
    transitions: (transitions?.get(row['id']) ?? []).map((one) => shown(one, 'id', 'delivery_id')),
  })

  return {
    recipientId: recipient.recipientId,
    exportedAt: (clock.now() ?? new Date()).toISOString(),
    recipient: read.recipient[0] ? shown(read.recipient[0]) : null,
    addresses: read.addresses.map((row) => shown(row)),
    preferences: read.preferences.map((row) => shown(row)),
    policySettings: read.policies[0] ? shown(read.policies[0]) : null,
    topics: read.topics.map((row) => shown(row)),
    notifications: read.notifications.map((row) => ({
      ...shown(row, 'id', 'event_id', 'recipient_id', 'arrival_version', 'inbox_version'),
      id: encodeNodeId('Notification', row['id'] as string),
      eventId: encodeNodeId('Event', row['event_id'] as string),
      deliveries: (deliveries.get(row['id']) ?? []).map(delivery),
      ...(runs.has(row['id']) && { workflowRun: workflowRun(runs.get(row['id']) as Row) }),
    })),
    signals: read.signals.map((row) => ({ ...shown(row, 'id'), id: encodeNodeId('Signal', row['id'] as string) })),
  }
}
