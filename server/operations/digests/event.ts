import { createHash } from 'node:crypto'
import { encodeNodeId } from '../../core/node-id.ts'
import { DIGEST_KEY_PREFIX } from '../../core/trigger-request.ts'
import type { ClosingBucketRow, MemberRow } from '../../db/sql/close-buckets.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import { newId } from '../../ids.ts'

const common = <T>(values: readonly T[]): T | null => {
  const [first, ...others] = values
  return first !== undefined && others.every((value) => value === first) ? first : null
}

/** A digest is an event like any other, under the key of its rule. */
export const digestEvent = (bucket: ClosingBucketRow, included: readonly MemberRow[], now: Date): EventRow => {
  const bucketId = encodeNodeId('DigestBucket', bucket.bucket_id)
  const idempotencyKey = `${DIGEST_KEY_PREFIX}${bucketId}`
  const last = included.reduce(
    (latest, { expires_at: at }) => Math.max(latest, at?.getTime() ?? Number.POSITIVE_INFINITY),
    0,
  )
  return {
    tenant_id: bucket.tenant_id,
    id: newId(),
    notification_key: bucket.key,
    notification_version: bucket.version,
    idempotency_key: idempotencyKey,
    fingerprint: createHash('sha256').update(idempotencyKey).digest(),
    correlation_id: null,
    actor_id: null,
    payload: {
      bucketId,
      windowStartsAt: bucket.window_starts_at.toISOString(),
      windowEndsAt: bucket.window_ends_at.toISOString(),
      count: included.length,
    },
    has_secrets: false,
    sealed_payload: null,
    category: common(included.map(({ category }) => category)),
    // What one of its members must not be kept back by does not keep the digest back.
    required: included.some(({ required }) => required),
    urgent: included.some(({ urgent }) => urgent),
    status: 'planned',
    send_at: null,
    expires_at: Number.isFinite(last) ? new Date(last) : null,
    topics: [],
    is_digest: true,
    traceparent: null,
    erased_at: null,
    pruned_recipient_count: 0,
    recipient_count: 1,
    planned_recipient_count: 1,
    failed_recipient_count: 0,
    inserted_at: now,
  }
}
