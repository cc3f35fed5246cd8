import { idOfType } from '../../server/core/node-id.ts'
import type { GraphQLAnswer, TestCarillon } from './carillon.ts'

export const ACTIONS = ['retry', 'cancel', 'resume'] as const
export type Action = (typeof ACTIONS)[number]

export const mutationOf = (action: Action): string => `mutation ($input: DeliveryActionInput!) {
  ${action}Delivery(input: $input) { delivery { id status orchestrationState waitingFor suppressionReason nextAttemptAt } }
}`

/** Asks an operator's change of a delivery, allowed or not. */
export const tryOperate = (
  carillon: TestCarillon,
  action: Action,
  deliveryId: string,
  reason = 'asked for',
): Promise<GraphQLAnswer> => carillon.ask(carillon.operatorKey, mutationOf(action), { input: { deliveryId, reason } })

/** The delivery as an operator's change left it; fails where that was refused. */
export const operate = async (
  carillon: TestCarillon,
  action: Action,
  deliveryId: string,
  reason?: string,
): Promise<GraphQLAnswer['data']> => {
  const { data, errors } = await tryOperate(carillon, action, deliveryId, reason)
  if (errors.length > 0) throw new Error(`cannot ${action}: ${JSON.stringify(errors)}`)
  return data[`${action}Delivery`].delivery
}

/** Everything that is stored of a delivery, and its place in the queue: for what must change nothing. */
export const rowsOf = async ({ sql }: TestCarillon, deliveryId: string): Promise<unknown> => {
  const id = idOfType('Delivery', deliveryId)
  const { rows } = await sql.query(
    `select to_jsonb(v) as delivery, (select to_jsonb(d) from due d where d.kind = 'delivery' and d.subject_id = v.id) as due,
      (select count(*)::int from delivery_transition t where t.delivery_id = v.id) as transitions,
      (select count(*)::int from delivery_attempt a where a.delivery_id = v.id) as attempts
    from delivery v where v.id = $1`,
    [id],
  )
  return rows[0]
}

/** When a delivery is due; `null` where it is not in the queue. */
export const dueAt = async ({ sql }: TestCarillon, deliveryId: string): Promise<string | null> => {
  const { rows } = await sql.query<{ due_at: Date }>(
    `select due_at from due where kind = 'delivery' and subject_id = $1`,
    [idOfType('Delivery', deliveryId)],
  )
  return rows[0]?.due_at.toISOString() ?? null
}
