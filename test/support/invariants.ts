import type { ClientBase } from 'pg'
import { RUN_INVARIANTS } from './run-invariants.ts'

/** Something that holds at every instant, whatever is going on: a statement that finds what breaks it. */
export interface Invariant {
  readonly promise: string
  /** Returns no row. */
  readonly sql: string
}

/** What changes together is written together, so all of these hold in the midst of the work too. */
export const INVARIANTS: readonly Invariant[] = [
  {
    promise:
      'a delivery that is not terminal has a due row, waits for an operator, or is held in a bucket that has one',
    sql: `select v.id, v.status from delivery v left join due d on (d.tenant_id, d.kind, d.subject_id) = (v.tenant_id, 'delivery', v.id)
      where v.status in ('pending', 'failed', 'dispatched') and not v.awaits_operator and d.subject_id is null
        and not (v.orchestration_state = 'digest_held' and v.expires_at is null and exists (
          select from digest_membership m join due b on (b.tenant_id, b.kind, b.subject_id) = (m.tenant_id, 'digest', m.bucket_id)
          where (m.tenant_id, m.delivery_id) = (v.tenant_id, v.id) and m.resolution is null))`,
  },
  {
    promise: 'a due row of a delivery has a delivery that is not terminal, in its own lane',
    sql: `select d.subject_id, v.status, v.channel, d.lane from due d left join delivery v on (v.tenant_id, v.id) = (d.tenant_id, d.subject_id)
      where d.kind = 'delivery' and (v.id is null or v.channel <> d.lane or v.status not in ('pending', 'failed', 'dispatched'))`,
  },
  {
    promise: 'an event has a fan-out due exactly while it waits for its instant or is being planned',
    sql: `select e.id, e.status, d.subject_id from event e full join (select * from due where kind = 'fan_out') d
        on (d.tenant_id, d.subject_id) = (e.tenant_id, e.id)
      where e.id is null or (e.status in ('scheduled', 'planning')) <> (d.subject_id is not null)
        or (e.status = 'scheduled' and d.due_at <> e.send_at)`,
  },
  {
    promise: 'there is an audience to be planned only while its event is, and it is as large as the event says',
    sql: `select e.id, e.status, e.recipient_count, e.planned_recipient_count, r.rest from event e
        full join (select tenant_id, event_id, count(*) as rest from event_recipient group by 1, 2) r
          on (r.tenant_id, r.event_id) = (e.tenant_id, e.id)
      where e.id is null
        or coalesce(r.rest, 0) <> case when e.status in ('scheduled', 'planning') then e.recipient_count - e.planned_recipient_count else 0 end`,
  },
  {
    promise: 'an event has as many notifications as it says are planned, and is planned when that is all of them',
    sql: `select e.id, e.status, e.recipient_count, e.planned_recipient_count, e.pruned_recipient_count, count(n.id) from event e
        left join notification n on (n.tenant_id, n.event_id) = (e.tenant_id, e.id)
      group by e.tenant_id, e.id
      having count(n.id) + e.pruned_recipient_count <> e.planned_recipient_count
        or (e.status = 'planned' and e.planned_recipient_count <> e.recipient_count)
        or (e.status = 'planning' and e.planned_recipient_count = e.recipient_count)`,
  },
  {
    promise: 'a delivery is held exactly while its membership is open, in a bucket that is',
    sql: `select v.id, v.status, v.orchestration_state, m.resolution, b.state from delivery v
        full join digest_membership m on (m.tenant_id, m.delivery_id) = (v.tenant_id, v.id)
        left join digest_bucket b on (b.tenant_id, b.id, b.recipient_id, b.channel) = (m.tenant_id, m.bucket_id, v.recipient_id, v.channel)
      where v.id is null or (m.delivery_id is not null and b.id is null)
        or (v.status = 'pending' and v.orchestration_state = 'digest_held') <> (m.delivery_id is not null and m.resolution is null)
        or (m.resolution is null and b.state <> 'open') or (v.status = 'digested' and m.resolution is distinct from 'included')`,
  },
  {
    promise: 'a bucket is queued exactly while it is open, and counts those who have not left it',
    sql: `select b.id, b.state, b.member_count, d.due_at from digest_bucket b
        full join (select * from due where kind = 'digest') d on (d.tenant_id, d.subject_id) = (b.tenant_id, b.id)
      where b.id is null or (b.state = 'open') <> (d.subject_id is not null) or d.lane <> 'digest' or d.due_at > b.window_ends_at
        or b.member_count <> (select count(*) from digest_membership m where (m.tenant_id, m.bucket_id) = (b.tenant_id, b.id) and not m."left")`,
  },
  {
    promise: 'a digest was sent on its way by one bucket, whenever something went into it and then alone',
    sql: `select b.id, b.state, b.digest_delivery_id, v.id, i.included from digest_bucket b
        full join (delivery v join event e on (e.tenant_id, e.id, e.is_digest) = (v.tenant_id, v.event_id, true))
          on (v.tenant_id, v.id) = (b.tenant_id, b.digest_delivery_id)
        left join lateral (select count(*) as included from digest_membership m
          where (m.tenant_id, m.bucket_id, m.resolution) = (b.tenant_id, b.id, 'included')) i on true
      where b.id is null or (b.state = 'emitted') <> (v.id is not null or b.pruned_at is not null) or (b.pruned_at is null and (b.state = 'emitted') <> (i.included > 0))`,
  },
  {
    promise: 'every row belongs to the ones it was made for',
    sql: `select 'notification' as what, n.id from notification n left join event e on (e.tenant_id, e.id) = (n.tenant_id, n.event_id) where e.id is null
      union all select 'delivery', v.id from delivery v
        left join notification n on (n.tenant_id, n.id, n.event_id, n.recipient_id) = (v.tenant_id, v.notification_id, v.event_id, v.recipient_id)
        where n.id is null
      union all select 'attempt', a.id from delivery_attempt a left join delivery v on (v.tenant_id, v.id) = (a.tenant_id, a.delivery_id) where v.id is null
      union all select 'decision', c.id from delivery_decision c left join delivery v on (v.tenant_id, v.id) = (c.tenant_id, c.delivery_id) where v.id is null
      union all select 'transition', t.id from delivery_transition t left join delivery v on (v.tenant_id, v.id) = (t.tenant_id, t.delivery_id) where v.id is null`,
  },
  {
    promise: "an inbox's counters are what counting its items gives",
    sql: `select i.recipient_id, i.total, i.unread, i.unseen, c.* from inbox i
        full join (select tenant_id, recipient_id, count(*) as total, count(*) filter (where read_at is null) as unread,
            count(*) filter (where seen_at is null) as unseen
          from notification where arrival_version is not null and archived_at is null and snoozed_until is null group by 1, 2) c
          on (c.tenant_id, c.recipient_id) = (i.tenant_id, i.recipient_id)
      where (coalesce(i.total, -1), coalesce(i.unread, -1), coalesce(i.unseen, -1))
        <> (coalesce(c.total, 0), coalesce(c.unread, 0), coalesce(c.unseen, 0))`,
  },
  {
    promise: 'of a recipient whose data was erased nothing is told to anybody, and nothing waits',
    sql: `select n.id, v.id, v.status from notification n left join delivery v on (v.tenant_id, v.notification_id) = (n.tenant_id, n.id)
        left join delivery_attempt a on (a.tenant_id, a.delivery_id) = (v.tenant_id, v.id)
        left join event e on (e.tenant_id, e.id) = (n.tenant_id, n.event_id)
      where n.erased_at is not null and (n.content is not null or v.status in ('pending', 'failed')
        or (a.inserted_at < n.erased_at and (a.address is not null or a.reason is not null))
        or (e.recipient_count = 1 and v.id is not null and (e.erased_at is null or e.payload <> '{}')))`,
  },
  {
    promise: 'an item of an inbox is queued to come back exactly while it is snoozed, for when that is over',
    sql: `select n.id, n.snoozed_until, d.due_at from notification n
        full join (select * from due where kind = 'wake') d on (d.tenant_id, d.subject_id) = (n.tenant_id, n.id)
      where n.snoozed_until is distinct from d.due_at or d.lane <> 'wake'`,
  },
  {
    promise: 'no item of an inbox is ahead of it, and the newest change stands at its version',
    sql: `select i.recipient_id, i.version, n.newest from inbox i
        full join (select tenant_id, recipient_id, max(inbox_version) as newest from notification where inbox_version is not null group by 1, 2) n
          on (n.tenant_id, n.recipient_id) = (i.tenant_id, i.recipient_id)
      where coalesce(i.version, -1) <> greatest(coalesce(n.newest, 0), coalesce(i.resync_below, 0))`,
  },
  {
    promise: 'versions of an inbox are each given once',
    sql: `select recipient_id, inbox_version from notification where inbox_version is not null
      group by tenant_id, recipient_id, inbox_version having count(*) > 1`,
  },
  {
    promise: "a recipient's deliveries stand in an order without gaps, but for what was pruned",
    sql: `select v.recipient_id, count(*), max(v.position), i.position from delivery v
        left join inbox i on (i.tenant_id, i.recipient_id) = (v.tenant_id, v.recipient_id)
      group by v.tenant_id, v.recipient_id, i.position
      having count(distinct v.position) <> count(*) or coalesce(max(v.position) > i.position, true)
        or (i.position <> count(*) and not exists (select from daily_events d where d.tenant_id = v.tenant_id))`,
  },
  {
    promise: 'an in-app delivery has succeeded exactly where its notification is in the inbox, with content',
    sql: `select v.id, v.status, n.arrival_version from delivery v join notification n on (n.tenant_id, n.id) = (v.tenant_id, v.notification_id)
      where v.channel = 'in_app'
        and n.erased_at is null and n.pruned_at is null
        and ((v.status = 'succeeded' and n.arrival_version is null) or (n.arrival_version is not null and n.content is null)
          or (n.arrival_version is not null and not exists (select from delivery o
            where (o.tenant_id, o.notification_id, o.channel, o.status) = (v.tenant_id, v.notification_id, 'in_app', 'succeeded'))))`,
  },
  {
    promise: 'attempts of a delivery are numbered from 1 without gaps',
    sql: `select delivery_id, array_agg(attempt_number order by attempt_number) from delivery_attempt group by tenant_id, delivery_id
      having min(attempt_number) <> 1 or max(attempt_number) <> count(*) or count(distinct attempt_number) <> count(*)`,
  },
  {
    promise:
      'a delivery has succeeded where an address of it accepted and has not sent it back, or its provider said that it arrived',
    sql: `select v.id, v.status from delivery v
      where (v.status = 'succeeded' and not exists (select from delivery_attempt a
          where (a.tenant_id, a.delivery_id, a.outcome) = (v.tenant_id, v.id, 'succeeded')))
        or (v.status in ('cancelled', 'suppressed', 'digested') and exists (select from delivery_attempt a
          where (a.tenant_id, a.delivery_id, a.outcome, a.source) = (v.tenant_id, v.id, 'succeeded', 'call') and not exists (select from delivery_attempt b
            where (b.tenant_id, b.delivery_id, b.outcome, b.source) = (v.tenant_id, v.id, 'bounced', 'feedback')
              and coalesce(b.address_key, a.address_key) is not distinct from a.address_key)))`,
  },
  {
    promise: 'no address is called again after it accepted, unless it sent that back and an operator wanted it',
    sql: `select a.delivery_id, a.attempt_number, b.attempt_number from delivery_attempt a
        join delivery_attempt b on (b.tenant_id, b.delivery_id, b.source) = (a.tenant_id, a.delivery_id, 'call')
          and b.address_key is not distinct from a.address_key and b.attempt_number > a.attempt_number
      where a.source = 'call' and a.outcome = 'succeeded' and not (exists (select from delivery_attempt c
          where (c.tenant_id, c.delivery_id, c.outcome, c.source) = (a.tenant_id, a.delivery_id, 'bounced', 'feedback') and c.attempt_number < b.attempt_number
            and coalesce(c.address_key, a.address_key) is not distinct from a.address_key)
        and exists (select from delivery_transition t where (t.tenant_id, t.delivery_id, t.event) = (a.tenant_id, a.delivery_id, 'retried')
          and t.at >= a.inserted_at))`,
  },
  {
    promise: 'what a provider reported waits in the queue exactly until it is carried out',
    sql: `select w.id, w.state, d.lane from webhook_ingress w
        full join (select * from due where kind = 'webhook') d on (d.tenant_id, d.subject_id) = (w.tenant_id, w.id)
      where w.id is null or (w.state = 'queued') <> (d.subject_id is not null) or d.lane <> 'webhook_ingress'
        or (w.state = 'queued') <> (w.processed_at is null) or (w.state in ('queued', 'processed') and w.delivery_id is null)`,
  },
  {
    promise: 'each report that was carried out is one attempt of its delivery, and nothing else is',
    sql: `select coalesce(w.delivery_id, a.delivery_id), w.count, a.count from
        (select tenant_id, delivery_id, count(*) from webhook_ingress where state = 'processed' group by 1, 2) w
        full join (select tenant_id, delivery_id, count(*) from delivery_attempt where source = 'feedback' group by 1, 2) a
          on (a.tenant_id, a.delivery_id) = (w.tenant_id, w.delivery_id)
      where w.count is distinct from a.count`,
  },
  {
    promise: 'nothing follows an attempt that was refused for good, unless an operator wanted it',
    sql: `select v.id, v.status from delivery v join delivery_attempt a on (a.tenant_id, a.delivery_id) = (v.tenant_id, v.id)
      where a.source = 'call' and a.outcome in ('rejected', 'bounced') and exists (
        select from delivery_attempt b where (b.tenant_id, b.delivery_id) = (v.tenant_id, v.id) and b.source = 'call'
          and b.address_key is not distinct from a.address_key and b.attempt_number > a.attempt_number)
        and not exists (select from delivery_transition t where (t.tenant_id, t.delivery_id) = (v.tenant_id, v.id)
          and t.event = 'retried' and t.at >= a.inserted_at)`,
  },
  {
    promise: 'the queue has counted every try since the last time that an operator let it begin anew',
    sql: `select d.subject_id, d.tries, count(a.id) from due d
        left join (delivery_attempt a join delivery_decision c on (c.tenant_id, c.delivery_id, c.id) = (a.tenant_id, a.delivery_id, a.id))
          on (a.tenant_id, a.delivery_id) = (d.tenant_id, d.subject_id) and a.source = 'call'
          and a.inserted_at >= coalesce((select max(t.at) from delivery_transition t
            where (t.tenant_id, t.delivery_id) = (d.tenant_id, d.subject_id) and t.event = 'retried'), '-infinity')
      where d.kind = 'delivery' group by d.tenant_id, d.kind, d.subject_id having d.tries <> count(a.id)`,
  },
  {
    promise: 'a delivery that failed for now is due when it says',
    sql: `select v.id, v.next_attempt_at, d.due_at from delivery v
        join due d on (d.tenant_id, d.kind, d.subject_id) = (v.tenant_id, 'delivery', v.id)
      where v.status = 'failed' and least(v.next_attempt_at, v.expires_at) <> d.due_at`,
  },
  {
    promise: 'a delivery that was put off is due when it may go on, or when it expires',
    sql: `select v.id, v.planning_reason, v.next_eligible_at, v.expires_at, d.due_at from delivery v
        join due d on (d.tenant_id, d.kind, d.subject_id) = (v.tenant_id, 'delivery', v.id)
      where v.orchestration_state = 'deferred' and v.status = 'pending'
        and (least(v.next_eligible_at, v.expires_at) <> d.due_at or v.planning_reason not in ('quiet_hours', 'fallback_delay'))`,
  },
  {
    promise: 'what waits is due by the time that it expires',
    sql: `select v.id, v.expires_at, d.due_at from delivery v
        join due d on (d.tenant_id, d.kind, d.subject_id) = (v.tenant_id, 'delivery', v.id) where d.due_at > v.expires_at`,
  },
  {
    promise: 'a topic has as many subscribers as it says',
    sql: `select t.key, t.subscriber_count, count(s.recipient_id) from topic t
        left join topic_subscription s on (s.tenant_id, s.topic_id) = (t.tenant_id, t.id)
      group by t.tenant_id, t.id having count(s.recipient_id) <> t.subscriber_count`,
  },
  {
    promise: 'a delivery was planned by exactly one decision',
    sql: `select v.id, count(c.id) from delivery v
        left join delivery_decision c on (c.tenant_id, c.delivery_id) = (v.tenant_id, v.id) and c.checkpoint = 'planning'
      group by v.tenant_id, v.id having count(c.id) <> 1`,
  },
  {
    promise:
      'no provider is called without a decision that let it through, under the lease that the first call of a try is named after',
    sql: `select a.delivery_id, a.id, a.outcome from delivery_attempt a
        left join delivery_attempt f on (f.tenant_id, f.delivery_id, f.inserted_at) = (a.tenant_id, a.delivery_id, a.inserted_at)
          and exists (select from delivery_decision d where (d.tenant_id, d.delivery_id, d.id) = (f.tenant_id, f.delivery_id, f.id))
        left join delivery_decision c on (c.tenant_id, c.delivery_id, c.id) = (f.tenant_id, f.delivery_id, f.id)
      where a.source = 'call' and a.adapter <> 'in_app'
        and (c.checkpoint is distinct from 'perform' or c.answers @? '$[*] ? (@.verdict != "pass")')`,
  },
  {
    promise:
      'a decision that let a delivery through is followed by its attempt, or the delivery is dispatched now, or a report ended its call',
    sql: `select c.delivery_id, c.id, v.status from delivery_decision c
        join delivery v on (v.tenant_id, v.id) = (c.tenant_id, c.delivery_id)
        left join delivery_attempt a on (a.tenant_id, a.id) = (c.tenant_id, c.id)
      where c.checkpoint = 'perform' and not c.answers @? '$[*] ? (@.verdict != "pass")' and a.id is null and v.status not in ('dispatched', 'digested')
        and not exists (select from delivery_attempt f where (f.tenant_id, f.delivery_id, f.source) = (c.tenant_id, c.delivery_id, 'feedback')
          and f.outcome in ('succeeded', 'bounced') and f.inserted_at >= c.at)`,
  },
  {
    promise: 'a delivery that was stopped after it had been planned says when and why',
    sql: `select v.id, v.status, v.suppression_reason from delivery v
      where v.status = 'cancelled' and v.suppression_reason <> 'planning_failed' and not exists (
        select from delivery_transition t where (t.tenant_id, t.delivery_id) = (v.tenant_id, v.id)
          and t.event in ('cancelled', 'event_cancelled', 'expired') and t.reason = v.suppression_reason)
        and not exists (select from delivery_decision c where (c.tenant_id, c.delivery_id) = (v.tenant_id, v.id)
          and c.checkpoint = 'planning' and c.answers @? '$[*] ? (@.verdict == "cancel")')`,
  },
  {
    promise: 'nothing of a cancelled event waits to be sent, unless it had been handed over before',
    sql: `select v.id, v.status from event e join delivery v on (v.tenant_id, v.event_id) = (e.tenant_id, e.id)
      where e.status = 'cancelled' and v.status = 'pending'`,
  },
  ...RUN_INVARIANTS,
]

/** What is broken now; empty where all is well. `sql` must see every tenant's rows. */
export const brokenInvariants = async (
  sql: Pick<ClientBase, 'query'>,
): Promise<readonly { readonly promise: string; readonly found: readonly unknown[] }[]> => {
  const broken: { promise: string; found: unknown[] }[] = []
  for (const { promise, sql: text } of INVARIANTS) {
    const { rows } = await sql.query(`${text} limit 5`)
    if (rows.length > 0) broken.push({ promise, found: rows })
  }
  return broken
}
