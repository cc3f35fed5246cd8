import type { Invariant } from './invariants.ts'

/** What holds of workflow runs at every instant. */
export const RUN_INVARIANTS: readonly Invariant[] = [
  {
    promise: 'a run waits exactly while it is to be woken, when its wait is over or its event expires',
    sql: `select r.id, d.subject_id, r.state, r.waiting_until, d.due_at from workflow_run r
        full join (select * from due where kind = 'workflow') d on (d.tenant_id, d.subject_id) = (r.tenant_id, r.id)
        left join event e on (e.tenant_id, e.id) = (r.tenant_id, r.event_id)
      where r.id is null or (r.state = 'waiting') <> (d.subject_id is not null) or d.lane <> 'workflow'
        or d.due_at <> least(r.waiting_until, e.expires_at)`,
  },
  {
    promise: "a run that is active has its present step's delivery under way",
    sql: `select r.id, r.step_key, v.status from workflow_run r
        left join delivery v on (v.tenant_id, v.id, v.notification_id, v.step_key) = (r.tenant_id, r.delivery_id, r.id, r.step_key)
      where r.state = 'active' and coalesce(v.status, '') not in ('pending', 'dispatched', 'failed')`,
  },
  {
    promise: 'no run of a cancelled event moves on',
    sql: `select r.id, r.state from workflow_run r join event e on (e.tenant_id, e.id) = (r.tenant_id, r.event_id)
      where e.status = 'cancelled' and r.state in ('active', 'waiting')`,
  },
  {
    promise: "a run's history has no gaps, and ends where the run stands",
    sql: `select r.id, r.transition_count, r.state, h.* from workflow_run r left join lateral (
          select count(*) as count, min(number) as first, max(number) as last,
            (array_agg(to_state order by number desc))[1] as state, bool_and(linked) as linked
          from (select t.*, t.from_state is not distinct from lag(t.to_state) over (order by t.number) as linked
            from workflow_transition t where (t.tenant_id, t.run_id) = (r.tenant_id, r.id)) t) h on true
      where (h.count, h.first, h.last) is distinct from (r.transition_count::int8, 1, r.transition_count) or h.state <> r.state or not h.linked`,
  },
  {
    promise: 'each step that a run came to has one delivery, and no step else has',
    sql: `select v.id, t.id from (select * from delivery where step_key <> '') v
        full join (select * from workflow_transition where reason = 'step_activated') t
          on (t.tenant_id, t.delivery_id, t.run_id, t.step_key) = (v.tenant_id, v.id, v.notification_id, v.step_key)
      where v.id is null or t.id is null
      union all
      select null, (array_agg(id))[1] from workflow_transition where reason = 'step_activated' group by tenant_id, run_id, step_key having count(*) > 1`,
  },
  {
    promise: 'a delivery tells a run exactly where its notification has one',
    sql: `select v.id, v.in_run, r.id from delivery v left join workflow_run r on (r.tenant_id, r.id) = (v.tenant_id, v.notification_id)
      where v.in_run <> (r.id is not null)`,
  },
]
