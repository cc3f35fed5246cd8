/** A change of a delivery that its row and its attempts do not show, ready to be written. */
export interface TransitionRow {
  readonly tenantId: string
  readonly id: string
  readonly deliveryId: string
  readonly event: string
  readonly reason: string | null
  readonly context: Readonly<Record<string, unknown>>
}

/** The table with its columns, in the order of `transitionColumns`; the instant comes last. */
export const INTO_TRANSITIONS =
  'insert into delivery_transition (tenant_id, id, delivery_id, event, reason, context, at)'

/** The columns of transitions, for `unnest`: text, uuid, uuid, text, text and jsonb. */
export const transitionColumns = (rows: readonly TransitionRow[]): readonly (readonly unknown[])[] => [
  rows.map((row) => row.tenantId),
  rows.map((row) => row.id),
  rows.map((row) => row.deliveryId),
  rows.map((row) => row.event),
  rows.map((row) => row.reason),
  rows.map((row) => JSON.stringify(row.context)),
]
