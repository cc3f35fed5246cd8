import type { DeliveryStatus } from '../core/delivery.ts'
import { isTerminal } from '../core/delivery.ts'
import type { Telemetry } from '../telemetry.ts'
import { FAST, type Made, SIZES, SLOW } from './registry.ts'

/*
 * What is counted as it happens. Labels have few values, all of them known beforehand or from the configuration: keys of
 * notifiers that there are, channels, adapters, codes. Never an id, nor anything that a caller makes up.
 */

const seconds = (ms: number): number => ms / 1_000

const countTriggers = (telemetry: Telemetry, { counter, histogram }: Made): void => {
  const answered = counter('triggers_total', 'Triggers answered, by notifier and answer.', ['notification', 'answer'])
  const duration = histogram('trigger_duration_seconds', 'From taking a trigger up to its answer.', { buckets: FAST })
  telemetry.on('trigger.answered', ({ notificationKey, answer, durationMs }) => {
    answered.inc({ notification: notificationKey ?? 'unknown', answer })
    duration.observe(seconds(durationMs))
  })
  const commits = counter('trigger_commits_total', 'Transactions that committed triggers, by lane.', ['lane'])
  const size = histogram('triggers_per_commit', 'Triggers that were committed together.', { buckets: SIZES })
  const commitDuration = histogram('trigger_commit_duration_seconds', 'What one such transaction took.', {
    buckets: FAST,
  })
  const planned = counter('trigger_recipients_total', 'Recipients of triggers that were committed.')
  telemetry.on('trigger.committed', ({ triggers, recipients, slow, durationMs }) => {
    commits.inc({ lane: slow ? 'slow' : 'fast' })
    size.observe(triggers)
    planned.inc(recipients)
    commitDuration.observe(seconds(durationMs))
  })
}

const countDeliveries = (telemetry: Telemetry, { counter, histogram }: Made): void => {
  const planned = counter('deliveries_planned_total', 'Deliveries that were planned, by channel.', ['channel'])
  const settled = counter('deliveries_settled_total', 'Results of deliveries, by channel, status and reason.', [
    'channel',
    'status',
    'reason',
  ])
  const settle = (channel: string, status: string, reason: string | null): void =>
    settled.inc({ channel, status, reason: reason ?? 'none' })
  telemetry.on('deliveries.decided', ({ checkpoint, deliveries }) => {
    for (const { channel, status, suppressionReason } of deliveries) {
      if (checkpoint === 'planning') planned.inc({ channel })
      if (isTerminal(status as DeliveryStatus)) settle(channel, status, suppressionReason)
    }
  })
  telemetry.on('delivery.settled', ({ channel, status, reason }) => settle(channel, status, reason))

  const attempts = counter('attempts_total', 'Attempts to hand a delivery over, by adapter and how they ended.', [
    'adapter',
    'channel',
    'ended',
  ])
  const calls = histogram('provider_call_duration_seconds', "What an adapter's calls took.", {
    buckets: SLOW,
    labelNames: ['adapter'],
  })
  telemetry.on('attempt.made', ({ adapter, channel, ended, durationMs }) => {
    attempts.inc({ adapter, channel, ended })
    if (durationMs !== null) calls.observe({ adapter }, seconds(durationMs))
  })
  const unknown = counter('attempts_unknown_total', 'Attempts whose worker died in mid-call.')
  telemetry.on('attempt.unknown', () => unknown.inc())
  const late = counter('results_too_late_total', 'Results that came after their lease had gone to another worker.')
  telemetry.on('result.too_late', () => late.inc())
  const misbehaved = counter('adapter_faults_total', 'Calls in which an adapter threw, hung or answered nonsense.', [
    'adapter',
  ])
  telemetry.on('adapter.misbehaved', ({ adapter }) => misbehaved.inc({ adapter }))
  const failed = counter('notifier_faults_total', "Times that a notifier's own code failed.", ['notification'])
  telemetry.on('notifier.failed', ({ notificationKey }) => failed.inc({ notification: notificationKey }))
}

const countJobs = (telemetry: Telemetry, { counter, histogram }: Made): void => {
  const claimed = counter('claims_total', 'Work that was claimed, by kind.', ['kind'])
  telemetry.on('work.claimed', ({ kind, count }) => claimed.inc({ kind }, count))
  const size = histogram('claim_batch_size', 'How much one claim has got; empty claims left out.', { buckets: SIZES })
  const duration = histogram('claim_duration_seconds', 'What the statement took that claims.', { buckets: FAST })
  telemetry.on('queue.looked_at', ({ claimed: got, durationMs }) => {
    if (got > 0) size.observe(got)
    duration.observe(seconds(durationMs))
  })
  const failures = counter('worker_failures_total', 'Times that the job loop could not do its work.')
  telemetry.on('worker.failed', () => failures.inc())
  const digests = counter(
    'digests_closed_total',
    'Digests that were closed; emitted where anything was left to send.',
    ['emitted'],
  )
  telemetry.on('digest.closed', ({ emitted }) => digests.inc({ emitted: String(emitted) }))
  const started = counter('workflow_runs_started_total', 'Runs of workflows that were begun.')
  telemetry.on('runs.started', ({ states }) => started.inc(states.length))
  const ended = counter('workflow_runs_ended_total', 'Runs of workflows that came to their end, by state.', ['state'])
  telemetry.on('runs.ended', ({ states }) => {
    for (const state of states) ended.inc({ state })
  })
}

const countDoors = (telemetry: Telemetry, { counter, gauge, histogram }: Made): void => {
  const requests = counter('requests_total', 'GraphQL operations answered, by door, kind and code.', [
    'door',
    'operation',
    'code',
  ])
  const duration = histogram('request_duration_seconds', 'From the request to the end of its answer.', {
    buckets: FAST,
    labelNames: ['operation'],
  })
  telemetry.on('request.answered', ({ door, operation, code, durationMs }) => {
    requests.inc({ door, operation, code })
    // A subscription lasts for as long as its reader likes.
    if (operation !== 'subscription') duration.observe({ operation }, seconds(durationMs))
  })
  const webhooks = counter('webhooks_total', "Providers' webhooks answered, by adapter and outcome.", [
    'adapter',
    'outcome',
  ])
  const reports = counter('webhook_reports_total', 'Reports in webhooks that were accepted, by adapter.', ['adapter'])
  telemetry.on('webhook.answered', ({ adapter, outcome, events }) => {
    webhooks.inc({ adapter: adapter ?? 'unknown', outcome })
    if (adapter !== null && events > 0) reports.inc({ adapter }, events)
  })
  const streams = gauge('streams', 'What is open: sockets, and streams of server-sent events.', ['kind'])
  for (const kind of ['socket', 'event_stream'] as const) streams.set({ kind }, 0)
  telemetry.on('stream.opened', ({ kind }) => streams.inc({ kind }))
  telemetry.on('stream.closed', ({ kind }) => streams.dec({ kind }))
}

const countPushes = (telemetry: Telemetry, { counter, gauge, histogram }: Made): void => {
  const updates = counter('inbox_updates_total', 'Updates given to subscribers of inboxes.')
  const resyncs = counter('inbox_resyncs_total', 'Updates that told a subscriber to load its inbox anew.')
  const latency = histogram('push_latency_seconds', 'From the arrival of a notification to its push to a subscriber.', {
    buckets: FAST,
  })
  telemetry.on('inbox.pushed', ({ updates: count, resyncs: lost, delaysMs }) => {
    updates.inc(count)
    if (lost > 0) resyncs.inc(lost)
    for (const delay of delaysMs) latency.observe(seconds(delay))
  })
  const connected = gauge('bus_connected', 'Whether this process hears hints of the others: 1 or 0.')
  const reconnects = counter('bus_reconnects_total', 'Times that the bus has found its peers again.')
  const failures = counter('bus_failures_total', 'Hints that were lost.')
  telemetry.on('bus.connected', () => connected.set(1))
  telemetry.on('bus.lost', () => connected.set(0))
  telemetry.on('bus.reconnected', () => {
    connected.set(1)
    reconnects.inc()
  })
  telemetry.on('bus.failed', () => failures.inc())
  const lost = counter('database_losses_total', 'Times that the database was lost.')
  telemetry.on('database.state', ({ state }) => {
    if (state === 'gone') lost.inc()
  })
}

/** Counts what happens from now on. */
export const countMoments = (telemetry: Telemetry, made: Made): void => {
  for (const count of [countTriggers, countDeliveries, countJobs, countDoors, countPushes]) count(telemetry, made)
}
