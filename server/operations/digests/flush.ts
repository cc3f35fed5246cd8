import { ruleIdentity } from '../../core/digest-rule.ts'
import { nameOf } from '../../core/name-of.ts'
import { encodeNodeId } from '../../core/node-id.ts'
import type { Claim } from '../../db/sql/claim-due.ts'
import {
  type BucketKey,
  type BucketSizeRow,
  type ClosedBucket,
  type ClosedMember,
  type ClosingBucketRow,
  closeBuckets,
  lockMembers,
  type MemberRow,
  putOffBuckets,
  readBucketSizes,
  readClosingBuckets,
  readMembers,
} from '../../db/sql/close-buckets.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import { type InboxRow, lockInboxes } from '../../db/sql/lock-inboxes.ts'
import { lockRunsOfMembers, type RunRow } from '../../db/sql/lock-runs.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { writePlans } from '../../db/sql/write-plans.ts'
import { inTransaction, type Transaction } from '../../db/transaction.ts'
import { newId } from '../../ids.ts'
import type { Capabilities } from '../capabilities.ts'
import { bookFacts, type MovingFacts, readFacts } from '../facts.ts'
import { halving } from '../halving.ts'
import { tellOfPlanned } from '../planned.ts'
import { expandRecipient, newExpansion, plannedEvent } from '../trigger/expand.ts'
import { advanceRuns, NOTHING_ADVANCED } from '../workflows/advance-runs.ts'
import { announceRuns } from '../workflows/announce.ts'
import { NO_DIGESTS } from './accumulate.ts'
import { type Closed, closeBucket } from './close.ts'
import { digestEvent } from './event.ts'
import { causesOfMembers } from './tell-runs.ts'

/*
 * due ──claimed──► the planner is asked again about each member ──► emitted: one digest is planned like any delivery
 *                                                             └──► empty: nothing is left to send
 *
 * All of it is one transaction under the recipient's lock, so however many workers and operators flush a bucket, one
 * does, and nobody joins it meanwhile.
 */

/** One transaction's worth: its duration is the worst wait of a trigger to one of its recipients. */
const MAX_BUCKETS = 100
const MAX_MEMBERS = 2_000

/** By hand, and why. */
interface ByOperator {
  readonly words: string
}

const byBucket = (rows: readonly MemberRow[]): ReadonlyMap<string, readonly MemberRow[]> => {
  const found = new Map<string, MemberRow[]>()
  for (const row of rows) {
    const name = nameOf(row.tenant_id, row.bucket_id)
    const own = found.get(name)
    if (own) own.push(row)
    else found.set(name, [row])
  }
  return found
}

const look = async (
  tx: Transaction,
  { clock }: Capabilities,
  buckets: readonly (BucketKey & { readonly recipientId: string })[],
) => {
  const inboxes = [
    ...new Map(
      buckets.map(({ tenantId, recipientId }) => [nameOf(tenantId, recipientId), { tenantId, recipientId }]),
    ).values(),
  ]
  const keys = inboxes.map((inbox) => ({ ...inbox, position: null }))
  const locking = lockMembers(buckets)
  const [locked, runs, , , [time], closing, members, facts] = await Promise.all([
    tx.query<InboxRow>(lockInboxes(inboxes, { skipLocked: false })),
    tx.query<RunRow>(lockRunsOfMembers(buckets)),
    ...(locking.map((lock) => tx.query(lock)) as [Promise<unknown>, Promise<unknown>]),
    tx.query<ClockRow>(readClock(clock.now())),
    tx.query<ClosingBucketRow>(readClosingBuckets(buckets)),
    tx.query<MemberRow>(readMembers(buckets)),
    readFacts(tx, keys),
  ])
  return {
    now: (time as ClockRow).now,
    closing,
    membersOf: byBucket(members),
    facts: bookFacts(locked, { keys, facts }),
    inboxes: locked,
    runs,
  }
}

/** Why a bucket may close now; `null` where its end has not come. */
const closedBy = (
  bucket: ClosingBucketRow,
  now: Date,
  operator: ByOperator | null,
): ClosedBucket['closedBy'] | null => {
  if (operator) return 'operator'
  if (bucket.window_ends_at <= now) return 'window'
  return bucket.accepting ? null : 'max_items'
}

interface Flushing {
  readonly buckets: readonly (BucketKey & { readonly recipientId: string })[]
  /** The leases under which they are flushed; `null` by hand. */
  readonly tokens: ReadonlySet<string> | null
  readonly operator: ByOperator | null
}

/** Closes buckets in one transaction; those that another has closed, or has claimed meanwhile, are left as they are. */
const flushTogether = async (capabilities: Capabilities, { buckets, tokens, operator }: Flushing): Promise<number> => {
  const { db, defaultTimeZone, needsAddress, telemetry, hints } = capabilities
  const { emitted, changed, planned, advanced } = await inTransaction(db.system, async (tx) => {
    const { now, closing, membersOf, facts, inboxes, runs } = await look(tx, capabilities, buckets)
    const rows = newExpansion()
    const planning = { now, defaultTimeZone, newId, digests: NO_DIGESTS }
    const events: EventRow[] = []
    const closed: ClosedBucket[] = []
    const members: ClosedMember[] = []
    const notYet: (BucketKey & { readonly until: Date })[] = []

    const emit = (bucket: ClosingBucketRow, { included }: Closed, own: MovingFacts): string => {
      const event = digestEvent(bucket, included, now)
      events.push(event)
      const { recipient_id: recipientId, channel } = bucket
      expandRecipient(rows, plannedEvent(event), {
        prepared: {
          recipientId,
          given: { id: recipientId },
          workflow: null,
          channels: [
            {
              channel,
              renderKey: `${bucket.key}.${channel}`,
              renderVersion: bucket.version,
              needsAddress: needsAddress(channel),
              fallbackMs: null,
              digest: null,
              // Made when it is sent.
              content: null,
            },
          ],
        },
        facts: own,
        planning,
      })
      return (rows.deliveries.at(-1) as { readonly id: string }).id
    }

    // In the order of their windows, so that one recipient's digests stand in the order of what they hold.
    for (const bucket of closing.toSorted((a, b) => a.window_ends_at.getTime() - b.window_ends_at.getTime())) {
      const own = facts.of({ tenantId: bucket.tenant_id, recipientId: bucket.recipient_id })
      if (!own || (tokens && !(bucket.lease_token && tokens.has(bucket.lease_token)))) continue
      const key = { tenantId: bucket.tenant_id, id: bucket.bucket_id }
      const cause = closedBy(bucket, now, operator)
      if (cause === null) {
        notYet.push({ ...key, until: bucket.window_ends_at })
        continue
      }
      const held = membersOf.get(nameOf(key.tenantId, key.id)) ?? []
      const result = closeBucket({ bucket, members: held, facts: own, defaultTimeZone, now })
      const digestDeliveryId = result.included.length > 0 ? emit(bucket, result, own) : null
      members.push(...result.membersWith(digestDeliveryId))
      const counts = { included: result.included.length, excluded: held.length - result.included.length }
      const context = { ruleIdentity: ruleIdentity(bucket), bucketId: encodeNodeId('DigestBucket', key.id), ...counts }
      const transitions = [{ id: newId(), event: 'digest_emitted', reason: null, context }]
      closed.push({ ...key, closedBy: cause, words: operator?.words ?? null, digestDeliveryId, transitions })
    }
    const statements = [
      ...(events.length > 0 ? [writePlans({ ...rows, events, inboxes: facts.advances() }, now)] : []),
      ...(closed.length > 0 ? [closeBuckets({ buckets: closed, members }, now)] : []),
      ...(notYet.length > 0 ? [putOffBuckets(notYet)] : []),
    ]
    const changed = [...members, ...rows.deliveries]
    if (runs.length === 0) {
      await tx.commitWith(statements)
      return { emitted: closed, changed, planned: rows.deliveries, advanced: NOTHING_ADVANCED }
    }
    await Promise.all(statements.map((statement) => tx.query(statement)))
    const causes = causesOfMembers([...membersOf.values()].flat(), members)
    // As they stand after the digests that were planned.
    const moved = inboxes.map((row) => ({
      ...row,
      ...facts.of({ tenantId: row.tenant_id, recipientId: row.recipient_id })?.inbox,
    }))
    return {
      emitted: closed,
      changed,
      planned: rows.deliveries,
      advanced: await advanceRuns(tx, capabilities, { runs, causes, inboxes: moved, now }),
    }
  })
  await announceRuns(capabilities, advanced)
  for (const { tenantId, id, digestDeliveryId } of emitted) {
    telemetry.emit('digest.closed', { tenantId, bucketId: id, emitted: digestDeliveryId !== null })
  }
  hints.deliveriesChanged(changed)
  tellOfPlanned(telemetry, { deliveries: planned })
  if (emitted.length > 0) hints.workDue()
  return emitted.length
}

/** Parts of a list, each of which is flushed together: a bounded number of buckets and, but for one that is larger alone, of members. */
const partsOf = (rows: readonly BucketSizeRow[]): readonly (readonly BucketSizeRow[])[] => {
  const parts: BucketSizeRow[][] = []
  let members = 0
  for (const row of rows) {
    const last = parts.at(-1)
    members += row.member_count
    if (last && last.length < MAX_BUCKETS && members <= MAX_MEMBERS) last.push(row)
    else {
      parts.push([row])
      members = row.member_count
    }
  }
  return parts
}

const sizesOf = async ({ db }: Capabilities, buckets: readonly BucketKey[]): Promise<readonly BucketSizeRow[]> =>
  (await db.system.query<BucketSizeRow>(readBucketSizes(buckets))).rows

const toKey = ({ tenant_id: tenantId, id, recipient_id: recipientId }: BucketSizeRow) => ({ tenantId, id, recipientId })

/** Closes the buckets of claims whose end has come, and sends their digests on their way. */
export const flushClaims = async (capabilities: Capabilities, claims: readonly Claim[]): Promise<void> => {
  const tokens = new Set(claims.map(({ token }) => token))
  const sizes = await sizesOf(
    capabilities,
    claims.map((claim) => ({ tenantId: claim.tenant_id, id: claim.subject_id })),
  )
  const failures: unknown[] = []
  for (const part of partsOf(sizes)) {
    const done = await halving(part, async (rows) => {
      await flushTogether(capabilities, { buckets: rows.map(toKey), tokens, operator: null })
      return rows
    })
    failures.push(...done.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])))
  }
  // What failed is left to its lease, and holds up no other.
  if (failures.length > 0) throw failures[0]
}

/** Closes one bucket now, before its end. Where it is closed already, nothing happens. */
export const flushByHand = async (
  capabilities: Capabilities,
  bucket: BucketKey,
  operator: ByOperator,
): Promise<void> => {
  const [size] = await sizesOf(capabilities, [bucket])
  if (size) await flushTogether(capabilities, { buckets: [toKey(size)], tokens: null, operator })
}
