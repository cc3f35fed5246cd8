import type { Routes } from '../../adapters/routing.ts'
import {
  ATTEMPT_OF,
  addressOfReport,
  decideFeedback,
  type FeedbackChange,
  marksAddress,
  type Report,
  type ReportedDelivery,
} from '../../core/feedback.ts'
import { maskAddress } from '../../core/mask.ts'
import { nameOf } from '../../core/name-of.ts'
import { addressesFor, type Recipient } from '../../core/recipient.ts'
import type { RetryPolicy } from '../../core/retry.ts'
import type { AppliedReports, MovedDelivery, ReportAttempt, ReportEnd } from '../../db/sql/apply-reports.ts'
import type { BouncedAddress } from '../../db/sql/mark-bounced.ts'
import type { ReportRow } from '../../db/sql/read-reports.ts'
import type { TransitionRow } from '../../db/sql/transition-rows.ts'
import { newId } from '../../ids.ts'
import type { AddressKey } from '../capabilities.ts'
import type { IgnoredReason } from './accept.ts'

/** What is to be written about a batch of reports. */
export interface DecidedReports extends AppliedReports {
  /** Addresses that nothing more is to be sent to. */
  readonly marked: readonly BouncedAddress[]
  /** The deliveries that a report has moved, with their channels. */
  readonly moved: readonly (MovedDelivery & { readonly channel: string })[]
}

export interface ReportContext {
  readonly routes: Routes
  /** How a delivery is tried again whose channel no adapter carries. */
  readonly retry: RetryPolicy
  readonly recipientOf: (row: ReportRow) => Recipient | undefined
  readonly addressKey: AddressKey
  readonly now: Date
  /** In `[0, 1)`. */
  readonly random: () => number
}

/** A delivery as the reports before this one have left it. */
interface Standing {
  delivery: ReportedDelivery
  attempts: number
  /** The call that was begun and of which no end is recorded. */
  begun: { readonly id: string; readonly at: Date } | null
  moved: MovedDelivery | null
}

/** What a report is about, as far as it can be told. */
interface Subject {
  readonly addressKey: string | null
  readonly masked: string | null
  /** The address itself, where the recipient still has it. */
  readonly address: string | null
}

const subjectOf = (row: ReportRow, owned: readonly string[], addressKey: AddressKey): Subject => {
  const written = [row.address_key, ...row.tried.map(({ key }) => key), ...Object.keys(row.called ?? {})]
  const known = new Set(written.flatMap((key) => key ?? []))
  const byKey = new Map(owned.map((address) => [addressKey(address, known), address]))
  const key =
    row.address_key ??
    addressOfReport({
      tried: row.tried,
      owned: [...byKey.keys()],
      hangs: row.begun_token !== null && !row.under_way,
      named: row.provider_message_id !== null && row.all_named,
    })
  if (key === null) return { addressKey: null, masked: null, address: null }
  const address = byKey.get(key) ?? null
  const masked = row.called?.[key] ?? (address === null ? null : maskAddress(address))
  return { addressKey: key, masked, address }
}

const standingOf = (row: ReportRow, addresses: number): Standing => {
  const begun = row.begun_token && row.begun_at ? { id: row.begun_token, at: row.begun_at } : null
  return {
    delivery: {
      status: row.status,
      orchestrationState: row.orchestration_state,
      suppressionReason: row.suppression_reason,
      underWay: row.under_way,
      tries: row.tries + (begun && !row.under_way ? 1 : 0),
      tried: row.tried,
      addresses,
    },
    attempts: row.attempts,
    begun,
    moved: null,
  }
}

const retryAt = (
  { orchestration_state: state, next_eligible_at: eligible }: ReportRow,
  now: Date,
  inMs: number,
): Date =>
  // What quiet hours or a fallback hold back is not brought forward by a report.
  new Date(Math.max(now.getTime() + inMs, state === 'deferred' ? (eligible?.getTime() ?? 0) : 0))

/** What a change is told as; that a report says "delivered" is told by its attempt. */
const transitionOf = (
  { tenant_id: tenantId, delivery_id: deliveryId, adapter, normalized_status: status }: ReportRow,
  { suppressionReason: reason, ...change }: FeedbackChange,
  nextAttemptAt: Date | null,
): readonly TransitionRow[] => {
  const told = { tenantId, deliveryId, id: newId() }
  const context = { source: 'feedback', adapter }
  switch (change.status) {
    case 'failed':
      return [
        {
          ...told,
          event: 'retry_scheduled',
          reason: ATTEMPT_OF.failed.errorClass,
          context: { ...context, nextAttemptAt: nextAttemptAt?.toISOString() ?? null },
        },
      ]
    case 'cancelled':
      return [{ ...told, event: 'cancelled', reason, context }]
    case 'succeeded':
      return status === 'bounced' ? [{ ...told, event: 'retry_dropped', reason: 'bounced', context }] : []
  }
}

/**
 * Decides what comes of a batch of reports, in the order in which they came. Each finds its delivery as the one before it
 * has left it.
 */
export const decideReports = (
  rows: readonly ReportRow[],
  { routes, retry, recipientOf, addressKey, now, random }: ReportContext,
): DecidedReports => {
  const standings = new Map<string, Standing>()
  const attempts: ReportAttempt[] = []
  const transitions: TransitionRow[] = []
  const reports: ReportEnd[] = []
  const marked: BouncedAddress[] = []
  const channels = new Map<MovedDelivery, string>()

  const end = ({ tenant_id: tenantId, id }: ReportRow, how: ReportEnd['end'], reason: IgnoredReason | null = null) =>
    void reports.push({ tenantId, id, end: how, ignoredReason: reason })

  const move = (row: ReportRow, standing: Standing, change: FeedbackChange): void => {
    const { tenant_id: tenantId, delivery_id: id } = row
    const at = change.retryInMs === null ? null : retryAt(row, now, change.retryInMs)
    const { status, suppressionReason } = change
    standing.delivery = { ...standing.delivery, status, suppressionReason, underWay: false }
    standing.moved = { tenantId, id, status, suppressionReason, retryAt: at, tries: standing.delivery.tries }
    channels.set(standing.moved, row.channel)
    transitions.push(...transitionOf(row, change, at))
  }

  /** Its worker died, and the report has come before the queue noticed: the call is recorded as it would have been then. */
  const closeDeadCall = (row: ReportRow, standing: Standing): void => {
    const { begun, delivery } = standing
    if (!begun || delivery.underWay || delivery.status !== 'dispatched') return
    standing.begun = null
    standing.attempts += 1
    standing.delivery = { ...delivery, tried: [...delivery.tried, { key: null, outcome: 'unknown', source: 'call' }] }
    attempts.push({
      tenantId: row.tenant_id,
      id: begun.id,
      deliveryId: row.delivery_id,
      attemptNumber: standing.attempts,
      outcome: 'unknown',
      errorClass: null,
      adapter: routes.get(row.channel)?.adapters[0]?.adapter.name ?? row.channel,
      providerMessageId: null,
      address: null,
      addressKey: null,
      source: 'call',
      startedAt: begun.at,
    })
  }

  const record = (row: ReportRow, standing: Standing, subject: Subject): void => {
    const { delivery } = standing
    const said = ATTEMPT_OF[row.normalized_status]
    standing.attempts += 1
    standing.delivery = {
      ...delivery,
      tried: [...delivery.tried, { key: subject.addressKey, outcome: said.outcome, source: 'feedback' }],
    }
    attempts.push({
      tenantId: row.tenant_id,
      id: row.token,
      deliveryId: row.delivery_id,
      attemptNumber: standing.attempts,
      ...said,
      adapter: row.adapter,
      providerMessageId: row.provider_message_id,
      address: subject.masked,
      addressKey: subject.addressKey,
      source: 'feedback',
      startedAt: null,
    })
  }

  for (const row of rows) {
    const { tenant_id: tenantId, recipient_id: recipientId, delivery_id: deliveryId, channel } = row
    if (recipientId === null) {
      end(row, 'ignored', 'unresolved')
      continue
    }
    const recipient = recipientOf(row)
    const owned = recipient ? addressesFor(recipient, channel) : []
    const name = nameOf(tenantId, deliveryId)
    const standing = standings.get(name) ?? standingOf(row, owned.length)
    standings.set(name, standing)
    const subject = subjectOf(row, owned, addressKey)
    const report: Report = { status: row.normalized_status, addressKey: subject.addressKey }
    const policy = routes.get(channel)?.policy ?? retry
    const verdict = decideFeedback(report, standing.delivery, { policy, random: random() })
    if (verdict === 'wait') {
      end(row, 'put_off')
      continue
    }
    if (verdict) closeDeadCall(row, standing)
    record(row, standing, subject)
    if (verdict) move(row, standing, verdict)
    if (marksAddress(report) && subject.address !== null) {
      marked.push({ tenantId, recipientId, channel, address: subject.address })
    }
    end(row, 'processed')
  }
  const deliveries = [...standings.values()].flatMap(({ moved }) => moved ?? [])
  const moved = deliveries.map((one) => ({ ...one, channel: channels.get(one) ?? '' }))
  return { attempts, transitions, deliveries, reports, marked, moved }
}
