import type { FeedbackStatus } from '../../core/feedback.ts'
import { type DeliverySignal, deliverySignal } from '../../core/workflow/ending.ts'
import type { ReportRow } from '../../db/sql/read-reports.ts'
import type { RunCause } from '../workflows/advance-runs.ts'
import { causesOf } from '../workflows/causes.ts'
import type { DecidedReports } from './decide.ts'

/** What a run hears of a report; nothing of a complaint, which is about the address. */
const SIGNALS: Readonly<Partial<Record<FeedbackStatus, DeliverySignal>>> = {
  delivered: 'delivery.succeeded',
  bounced: 'delivery.bounced',
  failed: 'delivery.failed',
}

/** What reports are to the runs of their deliveries: the end of some, and what their providers say of the others. */
export const causesOfReports = (
  rows: readonly ReportRow[],
  { moved, reports }: Pick<DecidedReports, 'moved' | 'reports'>,
): readonly RunCause[] => {
  const processed = new Set(reports.filter(({ end }) => end === 'processed').map(({ id }) => id))
  const endOf = new Map(moved.map((one) => [one.id, one]))
  const told = new Set<string>()
  return rows.flatMap((row) => {
    const { tenant_id: tenantId, notification_id: runId, delivery_id: deliveryId } = row
    if (!row.in_run || runId === null || !processed.has(row.id)) return []
    const end = told.has(deliveryId) ? undefined : endOf.get(deliveryId)
    told.add(deliveryId)
    const { status, suppressionReason } = end ?? { status: 'pending' as const, suppressionReason: null }
    const ended = causesOf([{ tenantId, runId, deliveryId, isStep: row.step_key !== '', status, suppressionReason }])
    const signal = SIGNALS[row.normalized_status]
    return signal ? [...ended, { tenantId, id: runId, events: [deliverySignal(signal, deliveryId)] }] : ended
  })
}
