import type { DeliveryAttempt } from '../../generated/prisma/client.ts'
import { type Checkpoint, readAnswers } from '../core/decision.ts'
import type { AttemptOutcome } from '../core/delivery.ts'
import { ruleIdentity } from '../core/digest-rule.ts'
import type { Story, StoryDigest } from '../core/explanation.ts'
import type { Database } from '../db/client.ts'
import { keepPlan, readStories, type StoryRow } from '../db/sql/read-stories.ts'
import { asTenant } from '../db/transaction.ts'

/** A delivery with everything that explains it. */
export interface Explanation extends Story {
  readonly event: Story['event'] & { readonly id: string; readonly correlationId: string | null }
  readonly notification: Story['notification'] & { readonly id: string }
  readonly delivery: Story['delivery'] & {
    readonly id: string
    readonly awaitsOperator: boolean
    readonly planningContext: unknown
    readonly renderKey: string | null
    readonly renderVersion: number | null
  }
  readonly attempts: readonly (DeliveryAttempt & { readonly outcome: AttemptOutcome })[]
}

type AttemptJson = NonNullable<StoryRow['attempts']>[number]

const toAttempt = (tenantId: string, deliveryId: string, row: AttemptJson): Explanation['attempts'][number] => ({
  tenantId,
  deliveryId,
  id: row.id,
  attemptNumber: row.attempt_number,
  outcome: row.outcome as AttemptOutcome,
  errorClass: row.error_class,
  adapter: row.adapter,
  providerMessageId: row.provider_message_id,
  reason: row.reason,
  address: row.address,
  // Nobody is shown it.
  addressKey: null,
  source: row.source,
  startedAt: row.started_at === null ? null : new Date(row.started_at),
  insertedAt: new Date(row.inserted_at),
})

const digestOf = ({ held_in: heldIn, digest_of: itself }: StoryRow): StoryDigest | null => {
  const bucket = itself ?? heldIn
  if (!bucket) return null
  return {
    outcome: itself ? 'emitted_digest' : (bucket.resolution ?? 'held'),
    ruleIdentity: ruleIdentity(bucket),
    windowStartsAt: new Date(bucket.window_starts_at),
    windowEndsAt: new Date(bucket.window_ends_at),
    closedAt: bucket.emitted_at === null ? null : new Date(bucket.emitted_at),
    bucketId: bucket.bucket_id,
    digestDeliveryId: bucket.digest_delivery_id,
    resolutionReason: bucket.reason,
    members: (itself?.members ?? []).map((member) => ({
      id: member.delivery_id,
      notificationKey: member.notification_key,
      resolution: member.resolution,
      reason: member.reason,
    })),
    memberCount: itself?.member_count ?? 0,
  }
}

const toExplanation = (tenantId: string, row: StoryRow): Explanation => ({
  event: { id: row.event_id, insertedAt: row.event_inserted_at, correlationId: row.correlation_id },
  notification: {
    id: row.notification_id,
    insertedAt: row.notification_inserted_at,
    recipientId: row.recipient_id,
    seenAt: row.seen_at,
    readAt: row.read_at,
    archivedAt: row.archived_at,
    prunedAt: row.pruned_at,
    erasedAt: row.erased_at,
  },
  delivery: {
    id: row.id,
    insertedAt: row.inserted_at,
    notificationKey: row.notification_key,
    category: row.category,
    channel: row.channel,
    stepKey: row.step_key,
    awaitsOperator: row.awaits_operator,
    status: row.status,
    orchestrationState: row.orchestration_state,
    planningReason: row.planning_reason,
    planningContext: row.planning_context,
    suppressionReason: row.suppression_reason,
    nextEligibleAt: row.next_eligible_at,
    nextAttemptAt: row.next_attempt_at,
    putOffBy: row.put_off_by,
    renderKey: row.render_key,
    renderVersion: row.render_version,
  },
  digest: digestOf(row),
  attempts: (row.attempts ?? []).map((attempt) => toAttempt(tenantId, row.id, attempt)),
  run: row.run && {
    id: row.notification_id,
    workflowKey: row.run.workflow_key,
    state: row.run.state,
    stepKey: row.run.step_key,
    waitingUntil: row.run.waiting_until === null ? null : new Date(row.run.waiting_until),
    waitingFor: row.run.waiting_for,
    moves: (row.run.moves ?? []).map((move) => ({
      toState: move.to_state,
      stepKey: move.step_key,
      reason: move.reason,
      context: move.context,
      at: new Date(move.inserted_at),
    })),
  },
  transitions: (row.transitions ?? []).map((one) => ({ ...one, at: new Date(one.at) })),
  decisions: (row.decisions ?? []).map(({ checkpoint, at, answers }) => ({
    checkpoint: checkpoint as Checkpoint,
    at: new Date(at),
    answers: readAnswers(answers),
  })),
})

/** Reads what explains these deliveries, in one statement and one round trip; `null` for those that do not exist. */
export const readExplanations = async (
  { tenant }: Database,
  { tenantId, ids }: { readonly tenantId: string; readonly ids: readonly string[] },
): Promise<readonly (Explanation | null)[]> => {
  const rows = await asTenant(tenant, tenantId, async (tx) => {
    const [, stories] = await Promise.all([
      tx.query(keepPlan),
      tx.query<StoryRow>(readStories(tenantId, ids)),
      // Given before there is an answer, the commit travels with the others.
      tx.commitWith([]),
    ])
    return stories
  })
  const byId = new Map(rows.map((row) => [row.id, toExplanation(tenantId, row)]))
  return ids.map((id) => byId.get(id) ?? null)
}
