import { setImmediate as nextTurn } from 'node:timers/promises'
import { retryDelayMs } from '../../core/retry.ts'
import { type Claim, releaseDue } from '../../db/sql/claim-due.ts'
import {
  beginScheduled,
  type FanOutRow,
  type FanOutStatusRow,
  lockFanOut,
  moveFanOut,
  putOffFanOut,
  readFanOut,
} from '../../db/sql/fan-out.ts'
import { renewLeases } from '../../db/sql/renew-leases.ts'
import { type AudienceCountRow, addSubscribers, type FanOutLane } from '../../db/sql/write-audience.ts'
import { inTransaction } from '../../db/transaction.ts'
import { linksTo, startSpan } from '../../tracing.ts'
import type { Capabilities } from '../capabilities.ts'
import type { KnownRecipients } from '../recipients-known.ts'
import { MAX_PLANNED_AT_ONCE } from '../trigger/prepare.ts'
import { type Chunk, commitChunk, type FanOut, prepareChunk } from './chunk.ts'

/*
 *   scheduled ──(its instant)──► planning ──chunk by chunk──► planned
 *
 * A round goes through the audience in order of id, and leaves those whose notifier failed behind: they are tried again
 * in the next round, when it is due, like a delivery that failed. What a round stops at, the next claim goes on from.
 */

/** How many chunks are written at once, so that neither the database nor the notifier's code waits for the other. */
const CHUNKS_AT_ONCE = 2
const RENEWALS_A_LEASE = 3

const SCHEDULED: FanOutLane = 'scheduled'
const LARGE: FanOutLane = 'fan_out'

/** The worker's side of a fan-out. */
interface FanOutShift {
  readonly finished: (claim: Claim) => void
  readonly draining: boolean
}

/** Plans the audiences of events that are not planned in their trigger, several events at a time. */
export const createFanOut = (
  capabilities: Capabilities,
  options: { readonly known: KnownRecipients; readonly leaseMs: number },
): ((claims: readonly Claim[], shift: FanOutShift) => Promise<void>) => {
  const { db, hints, telemetry } = capabilities

  const planAudience = async (claim: Claim, shift: FanOutShift): Promise<void> => {
    const begun = claim.lane === SCHEDULED ? await beginPlanning(capabilities, claim) : 'more'
    if (begun === 'moved') hints.workDue()
    if (begun !== 'more') return
    const { rows } = await db.system.query<FanOutRow>(readFanOut(claimedEvent(claim)))
    const [event] = rows
    if (!event) return
    const span = startSpan('carillon.fan_out', {
      kind: 'consumer',
      links: linksTo([event.traceparent]),
      attributes: { 'carillon.tenant': event.tenant_id, 'carillon.notification': event.notification_key },
    })
    const planning = planRounds(capabilities, { ...options, claim, event, round: event.tries }, shift)
    const end = await planning.finally(() => span.end())
    if (end !== 'planned') return
    await capabilities.eraseSecrets([event], { ofAnySize: true })
    telemetry.emit('event.planned', { tenantId: claim.tenant_id, eventId: claim.subject_id })
  }

  return async (claims, shift) => {
    const planned = await Promise.allSettled(
      claims.map((claim) => planAudience(claim, shift).finally(() => shift.finished(claim))),
    )
    const failed = planned.find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
  }
}

/**
 * Plans what is left of an audience, in this round. The host's code runs for the next chunk, and what it says is written,
 * while the database is busy with the one before.
 */
const planRounds = async (
  capabilities: Capabilities,
  fanOut: FanOut,
  shift: FanOutShift,
): Promise<'planned' | 'stopped'> => {
  const { db, clock } = capabilities
  const { claim, leaseMs } = fanOut
  const writing = new Set<Promise<void>>()
  let end: 'planned' | 'lost' | null = null
  let failure: unknown
  let renewed = performance.now()
  let after: string | null = null
  const write = async (chunk: Chunk): Promise<void> => {
    try {
      const left = await commitChunk(capabilities, fanOut, chunk)
      // Where the last one was planned meanwhile, that is what became of it.
      if (left === null) end ??= 'lost'
      if (left === 0) end = 'planned'
    } catch (error) {
      failure ??= error
    }
  }
  do {
    const chunk: Chunk = await prepareChunk(capabilities, fanOut, after)
    after = chunk.nextAfter
    while (writing.size >= CHUNKS_AT_ONCE) await Promise.race(writing)
    if (end || failure || shift.draining) break
    const written: Promise<void> = write(chunk).finally(() => writing.delete(written))
    writing.add(written)
    if (performance.now() - renewed > leaseMs / RENEWALS_A_LEASE) {
      renewed = performance.now()
      await db.system.query(renewLeases([claim], { now: clock.now(), leaseMs }))
    }
    // Requests that share this process come first.
    await nextTurn()
  } while (after !== null)
  await Promise.all(writing)
  if (failure) throw failure
  if (end === null && shift.draining) await db.system.query(releaseDue([claim]))
  else if (end === null) await putOff(capabilities, fanOut)
  return end === 'planned' ? 'planned' : 'stopped'
}

const claimedEvent = ({ tenant_id: tenantId, subject_id: id, token }: Claim) => ({ tenantId, id, token })

/** A scheduled event becomes one that is being planned, when its instant has come: its topics are read now. */
const beginPlanning = async ({ db }: Capabilities, claim: Claim): Promise<'more' | 'moved' | 'lost'> =>
  inTransaction(db.system, async (tx) => {
    const key = claimedEvent(claim)
    const [, [locked] = []] = await Promise.all(lockFanOut(key).map((lock) => tx.query<FanOutStatusRow>(lock)))
    if (!locked) return 'lost'
    if (locked.status !== 'scheduled') return 'more'
    const [event] = await tx.query<FanOutRow>(readFanOut(key))
    const subscribers = addSubscribers([{ ...key, topics: event?.topics ?? [], actorId: event?.actor_id ?? null }])
    const [audience] = await tx.query<AudienceCountRow>(subscribers)
    const count = audience?.count ?? 0
    const large = count > MAX_PLANNED_AT_ONCE
    await tx.commitWith([beginScheduled(key, count), ...(large ? [moveFanOut(key, LARGE)] : [])])
    return large ? 'moved' : 'more'
  })

/** Only recipients are left whose notifier failed. Each counts its own tries; the event is put off as long as any is left. */
const putOff = async ({ db, clock, retry }: Capabilities, { claim, round }: FanOut): Promise<void> => {
  const delayMs = retryDelayMs(
    { ...retry, attempts: Number.POSITIVE_INFINITY },
    { tries: round + 1, random: Math.random() },
  )
  await db.system.query(putOffFanOut(claimedEvent(claim), { now: clock.now(), delayMs: delayMs ?? 0 }))
}
