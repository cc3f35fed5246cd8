import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import type { WorkflowDefinition } from '../../core/workflow/definition.ts'
import type { HeardSignal, RunReason, RunState } from '../../core/workflow/run.ts'
import type { Claim } from './claim-due.ts'
import type { RunChannel, RunKey } from './write-runs.ts'

/*
 * The order of locks: inbox rows, then an event where one is locked, then runs, then due rows, then deliveries. Whatever
 * may plan a step takes the recipient's inbox first, since that is the recipient's lock; what only ends runs does not.
 */

/** A run that still moves, with what its steps are planned by. */
export interface RunRow {
  tenant_id: string
  id: string
  event_id: string
  recipient_id: string
  state: RunState
  step_key: string
  delivery_id: string | null
  status_reason: RunReason
  waiting_until: Date | null
  waiting_for: string[]
  heard: readonly HeardSignal[]
  told: string[]
  conditions: Readonly<Record<string, boolean>>
  channels: Readonly<Record<string, RunChannel>>
  transition_count: number
  definition: WorkflowDefinition
  notification_key: string
  notification_version: number
  category: string | null
  required: boolean
  urgent: boolean
  expires_at: Date | null
  has_secrets: boolean
  recipient_count: number
}

/** A run `r`, its definition `d` and its event `e`; nothing of the last two changes. */
const RUN = `
select r.tenant_id, r.id, r.event_id, r.recipient_id, r.state, r.step_key, r.delivery_id, r.status_reason, r.waiting_until, r.waiting_for,
  r.heard, r.told, r.conditions, r.channels, r.transition_count, d.definition,
  e.notification_key, e.notification_version, e.category, e.required, e.urgent, e.expires_at, e.has_secrets, e.recipient_count
from workflow_run r
join workflow_definition d on d.tenant_id = r.tenant_id and d.key = r.workflow_key and d.version = r.workflow_version
join event e on e.tenant_id = r.tenant_id and e.id = r.event_id
where r.state in ('active', 'waiting')`
const LOCKED = 'order by r.tenant_id, r.id for no key update of r'

const INBOX = 'select i.tenant_id, i.recipient_id, i.version, i.position from inbox i'
const INBOX_LOCKED = 'order by i.tenant_id, i.recipient_id for no key update of i'

const keysOf = (keys: readonly RunKey[]) => [keys.map(({ tenantId }) => tenantId), keys.map(({ id }) => id)]

/** Locks the inboxes of the recipients of runs that still move. Indexes: the keys. */
export const lockRunInboxes = (keys: readonly RunKey[]): QueryConfig => ({
  name: 'lock_run_inboxes',
  text: `
${INBOX} where (i.tenant_id, i.recipient_id) in (
  select r.tenant_id, r.recipient_id from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
  join workflow_run r on r.tenant_id = k.tenant_id collate "C" and r.id = k.id and r.state in ('active', 'waiting'))
${INBOX_LOCKED}`,
  values: keysOf(keys),
})

/** Locks runs, each once, and leaves out those that are over. Index: workflow_run's key. */
export const lockRuns = (keys: readonly RunKey[]): QueryConfig => ({
  name: 'lock_runs',
  text: `
${RUN} and (r.tenant_id, r.id) in (select tenant_id collate "C", id from unnest($1::text[], $2::uuid[]) as k (tenant_id, id))
${LOCKED}`,
  values: keysOf(keys),
})

/** Which of claimed wakes are still their claimer's: locks their due rows. The runs must be locked. Index: due's key. */
export const lockWakes = (claims: readonly Claim[]): QueryConfig => ({
  name: 'lock_wakes',
  text: `
select d.tenant_id, d.subject_id as id
from unnest($1::text[], $2::uuid[], $3::uuid[]) as k (tenant_id, subject_id, token)
join due d on d.tenant_id = k.tenant_id collate "C" and d.kind = 'workflow' and d.subject_id = k.subject_id and d.lease_token = k.token
order by d.tenant_id, d.subject_id for update of d`,
  values: [
    claims.map((claim) => claim.tenant_id),
    claims.map((claim) => claim.subject_id),
    claims.map((claim) => claim.token),
  ],
})

/** The runs that claimed reports may move: first their recipients' inboxes, then the runs. Indexes: the keys. */
export const lockReportedRuns = (claims: readonly Claim[]): readonly [QueryConfig, QueryConfig] => {
  const values = [claims.map((claim) => claim.tenant_id), claims.map((claim) => claim.subject_id)]
  return [
    {
      name: 'lock_reported_inboxes',
      text: `${INBOX} where (i.tenant_id, i.recipient_id) in (select v.tenant_id, v.recipient_id ${REPORTED}) ${INBOX_LOCKED}`,
      values,
    },
    {
      name: 'lock_reported_runs',
      text: `${RUN} and (r.tenant_id, r.id) in (select v.tenant_id, v.notification_id ${REPORTED}) ${LOCKED}`,
      values,
    },
  ]
}

const REPORTED = `
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
join webhook_ingress w on w.tenant_id = k.tenant_id collate "C" and w.id = k.id
join delivery v on v.tenant_id = w.tenant_id and v.id = w.delivery_id and v.in_run`

/** The run of a delivery's notification: first its recipient's inbox, then the run. Indexes: the keys. */
export const lockRunOfDelivery = ({ tenantId, id }: RunKey): readonly [QueryConfig, QueryConfig] => [
  {
    name: 'lock_inbox_of_delivery',
    text: `${INBOX} where (i.tenant_id, i.recipient_id) in (select v.tenant_id, v.recipient_id from delivery v where v.tenant_id = $1 and v.id = $2 and v.in_run) ${INBOX_LOCKED}`,
    values: [tenantId, id],
  },
  {
    name: 'lock_run_of_delivery',
    text: `${RUN} and r.tenant_id = $1 and r.id = (select v.notification_id from delivery v where v.tenant_id = $1 and v.id = $2 and v.in_run) ${LOCKED}`,
    values: [tenantId, id],
  },
]

/** Locks the runs whose steps these buckets hold. The inboxes must be locked. Indexes: digest_membership's by bucket, the keys. */
export const lockRunsOfMembers = (buckets: readonly RunKey[]): QueryConfig => ({
  name: 'lock_runs_of_members',
  text: `
${RUN} and (r.tenant_id, r.id) in (
  select v.tenant_id, v.notification_id from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
  join digest_membership m on m.tenant_id = k.tenant_id collate "C" and m.bucket_id = k.id
  join delivery v on v.tenant_id = m.tenant_id and v.id = m.delivery_id and v.in_run)
${LOCKED}`,
  values: keysOf(buckets),
})

/** Locks the runs of an event, so that a cancellation ends them. Index: workflow_run_live_event_idx. */
export const lockRunsOfEvent = ({ tenantId, id }: RunKey): QueryConfig => ({
  name: 'lock_runs_of_event',
  text: `${RUN} and r.tenant_id = $1 and r.event_id = $2 ${LOCKED}`,
  values: [tenantId, id],
})

/** Locks a recipient's runs, so that an erasure ends them. The inbox must be locked. Index: workflow_run_live_recipient_idx. */
export const lockRunsOfRecipient = ({ tenantId, recipientId }: InboxKey): QueryConfig => ({
  name: 'lock_runs_of_recipient',
  text: `${RUN} and r.tenant_id = $1 and r.recipient_id = $2 ${LOCKED}`,
  values: [tenantId, recipientId],
})

/**
 * Locks the runs that a signal to a recipient may move, or that of one notification. The inbox must be locked, so that
 * none begins meanwhile. Index: workflow_run_live_recipient_idx.
 */
export const lockListeningRuns = (
  { tenantId, recipientId }: InboxKey,
  { name, notificationId }: { readonly name: string; readonly notificationId: string | null },
): QueryConfig => ({
  name: 'lock_listening_runs',
  text: `
${RUN} and r.tenant_id = $1 and r.recipient_id = $2 and $3 = any(r.listens) and ($4::uuid is null or r.id = $4)
${LOCKED}`,
  values: [tenantId, recipientId, name, notificationId],
})

/**
 * Locks the runs of the items of an inbox that were changed behind this version, where they listen for any of these. The
 * inbox must be locked. Indexes: workflow_run_live_recipient_idx, notification's key.
 */
export const lockRunsOfChanged = (
  { tenantId, recipientId }: InboxKey,
  { names, version }: { readonly names: readonly string[]; readonly version: number },
): QueryConfig => ({
  name: 'lock_runs_of_changed',
  text: `
${RUN} and r.tenant_id = $1 and r.recipient_id = $2 and r.listens && $3::text[]
  and exists (select from notification n where n.tenant_id = r.tenant_id and n.id = r.id and n.inbox_version > $4)
${LOCKED}`,
  values: [tenantId, recipientId, names, version],
})
