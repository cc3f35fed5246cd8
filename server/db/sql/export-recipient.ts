import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

const of =
  (name: string, text: string) =>
  ({ tenantId, recipientId }: InboxKey): QueryConfig => ({
    name,
    text,
    values: [tenantId, recipientId],
  })

/**
 * All that is kept about a recipient, a statement a kind of thing; lists in the order in which they came. Indexes: the
 * keys, and delivery's by recipient. No locks: read them in one snapshot.
 */
export const exportStatements = {
  recipient: of('export_recipient', 'select * from recipient where tenant_id = $1 and recipient_id = $2'),
  addresses: of(
    'export_addresses',
    'select channel, address, bounced_at, inserted_at from recipient_address where tenant_id = $1 and recipient_id = $2 order by channel, id',
  ),
  preferences: of(
    'export_preferences',
    'select notification_key, category, channel, enabled from preference where tenant_id = $1 and recipient_id = $2 order by 1, 2, 3',
  ),
  policies: of(
    'export_policies',
    'select time_zone, quiet_hours, caps from policy_settings where tenant_id = $1 and recipient_id = $2',
  ),
  topics: of(
    'export_topics',
    `select t.key, s.inserted_at from topic_subscription s join topic t on t.tenant_id = s.tenant_id and t.id = s.topic_id
      where s.tenant_id = $1 and s.recipient_id = $2 order by t.key`,
  ),
  notifications: of(
    'export_notifications',
    `select n.*, e.correlation_id, case when e.recipient_count = 1 then e.payload end as payload
      from notification n join event e on e.tenant_id = n.tenant_id and e.id = n.event_id
      where n.tenant_id = $1 and n.id in (select notification_id from delivery where tenant_id = $1 and recipient_id = $2)
      order by n.id`,
  ),
  deliveries: of(
    'export_deliveries',
    'select * from delivery where tenant_id = $1 and recipient_id = $2 order by position',
  ),
  attempts: of(
    'export_attempts',
    `select a.* from delivery v join delivery_attempt a on a.tenant_id = v.tenant_id and a.delivery_id = v.id
      where v.tenant_id = $1 and v.recipient_id = $2 order by v.position, a.attempt_number`,
  ),
  decisions: of(
    'export_decisions',
    `select d.* from delivery v join delivery_decision d on d.tenant_id = v.tenant_id and d.delivery_id = v.id
      where v.tenant_id = $1 and v.recipient_id = $2 order by v.position, d.at, d.checkpoint desc, d.id`,
  ),
  signals: of(
    'export_signals',
    'select id, name, payload, inserted_at from signal where tenant_id = $1 and recipient_id = $2 order by inserted_at, id',
  ),
  runs: of(
    'export_runs',
    `select r.id, r.workflow_key, r.workflow_version, r.state, r.step_key, r.status_reason, r.waiting_until, r.conditions, r.started_at,
        r.last_transition_at from workflow_run r where r.tenant_id = $1 and r.recipient_id = $2 order by r.id`,
  ),
  moves: of(
    'export_moves',
    `select t.* from workflow_run r join workflow_transition t on t.tenant_id = r.tenant_id and t.run_id = r.id
      where r.tenant_id = $1 and r.recipient_id = $2 order by t.run_id, t.number`,
  ),
  transitions: of(
    'export_transitions',
    `select t.* from delivery v join delivery_transition t on t.tenant_id = v.tenant_id and t.delivery_id = v.id
      where v.tenant_id = $1 and v.recipient_id = $2 order by v.position, t.at, t.id`,
  ),
} as const
