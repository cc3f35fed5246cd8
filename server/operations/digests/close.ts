import { resultOf } from '../../core/decision.ts'
import { ruleIdentity } from '../../core/digest-rule.ts'
import { encodeNodeId } from '../../core/node-id.ts'
import { plan } from '../../core/plan.ts'
import type { NewTransition } from '../../db/sql/begin-deliveries.ts'
import type { ClosedMember, ClosingBucketRow, MemberRow } from '../../db/sql/close-buckets.ts'
import { newId } from '../../ids.ts'
import { planFacts, type RecipientFacts } from '../facts.ts'

/** What is asked about a bucket's members before it closes. */
export interface Closing {
  readonly bucket: ClosingBucketRow
  readonly members: readonly MemberRow[]
  readonly facts: RecipientFacts
  readonly defaultTimeZone: string | null
  readonly now: Date
}

/** What closing a bucket comes to: who goes into its digest, and what becomes of all of them. */
export interface Closed {
  readonly included: readonly MemberRow[]
  /** With the digest's id, which is not known before it has been planned. */
  readonly membersWith: (digestDeliveryId: string | null) => readonly ClosedMember[]
}

const transition = (event: string, reason: string | null, context: NewTransition['context']): NewTransition => ({
  id: newId(),
  event,
  reason,
  context,
})

const askAgain = (member: MemberRow, { bucket, facts, defaultTimeZone, now }: Closing) =>
  plan(
    planFacts(
      {
        notificationKey: member.notification_key,
        category: member.category,
        required: member.required,
        urgent: member.urgent,
        expiresAt: member.expires_at,
      },
      facts,
      {
        checkpoint: 'perform',
        channel: member.channel,
        // A matter of the digest, as caps and quiet hours are.
        needsAddress: false,
        fallback: member.fallback ? { until: now } : null,
        released: member.released,
        read: member.read,
        member: { excludeRead: bucket.exclude_read },
        defaultTimeZone,
      },
    ),
    now,
  )

/** Asks the planner again about each member of a bucket that closes now. */
export const closeBucket = (closing: Closing): Closed => {
  const { bucket, members } = closing
  const decided = members.map((member) => ({ member, ...askAgain(member, closing) }))
  const seen = { ruleIdentity: ruleIdentity(bucket), bucketId: encodeNodeId('DigestBucket', bucket.bucket_id) }
  return {
    included: decided.filter(({ verdict }) => verdict === 'pass').map(({ member }) => member),
    membersWith: (digestDeliveryId) => {
      const told = {
        ...seen,
        ...(digestDeliveryId !== null && { digestDeliveryId: encodeNodeId('Delivery', digestDeliveryId) }),
      }
      return decided.map(({ member, verdict, reason, answers }): ClosedMember => {
        const base = { tenantId: member.tenant_id, id: member.id, decisionId: newId(), answers }
        if (verdict === 'pass') {
          const transitions = [transition('digested', null, told)]
          return { ...base, status: 'digested', reason: null, transitions }
        }
        const { decidedBy } = resultOf(answers)
        const why = { checkpoint: 'perform', ...(decidedBy && { rule: decidedBy.rule }) }
        return {
          ...base,
          status: verdict === 'cancel' ? 'cancelled' : 'suppressed',
          reason,
          transitions: [
            transition('digest_skipped', null, { ...told, resolutionReason: reason }),
            transition(verdict === 'cancel' ? 'expired' : 'suppressed', reason, why),
          ],
        }
      })
    },
  }
}
