import type { InboxKey } from '../core/cursor.ts'
import type { DeliveryCap } from '../core/delivery-cap.ts'
import { NO_POLICY, type PolicySettings, policyFault } from '../core/policy.ts'
import { type QuietHours, WEEKDAYS, type Weekday } from '../core/quiet-hours.ts'
import { loadPolicies, type PolicyRow } from '../db/sql/load-policies.ts'
import { setPolicy } from '../db/sql/set-policy.ts'
import { asTenant } from '../db/transaction.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'
import { lockOneInbox } from './lock-one-inbox.ts'

/** Policy settings as somebody gives them. A part left out stays, and `null` forgets it. */
export interface PolicyInput {
  readonly timeZone?: string | null | undefined
  readonly quietHours?: readonly QuietHoursInput[] | null | undefined
  readonly caps?: readonly DeliveryCapInput[] | null | undefined
}

export interface QuietHoursInput {
  readonly start: string
  readonly end: string
  readonly days?: readonly Weekday[] | null | undefined
  readonly channels?: readonly string[] | null | undefined
}

export interface DeliveryCapInput {
  readonly limit: number
  readonly windowMinutes: number
  readonly channel?: string | null | undefined
  readonly category?: string | null | undefined
}

/** A stored row as the planner knows it. */
export const toPolicy = (row: Pick<PolicyRow, 'time_zone' | 'quiet_hours' | 'caps'>): PolicySettings => ({
  timeZone: row.time_zone,
  quietHours: row.quiet_hours,
  caps: row.caps,
})

const toQuietHours = ({ start, end, days, channels }: QuietHoursInput): QuietHours => ({
  start,
  end,
  days: WEEKDAYS.filter((day) => days?.includes(day)),
  channels: [...new Set(channels)],
})

const toCap = ({ limit, windowMinutes, channel, category }: DeliveryCapInput): DeliveryCap => ({
  limit,
  windowMinutes,
  channel: channel ?? null,
  category: category ?? null,
})

const givenOf = ({ timeZone, quietHours, caps }: PolicyInput): Partial<PolicySettings> => ({
  ...(timeZone !== undefined && { timeZone }),
  ...(quietHours !== undefined && { quietHours: (quietHours ?? []).map(toQuietHours) }),
  ...(caps !== undefined && { caps: (caps ?? []).map(toCap) }),
})

/** Stores when a recipient may be told, and how often. Applies to what is planned, or about to be handed over, from now on. */
export const storePolicy = async (
  { db, clock, watchSettingNames }: Capabilities,
  recipient: InboxKey,
  input: PolicyInput,
): Promise<void> => {
  const given = givenOf(input)
  const fault = policyFault(given, ['input'])
  if (fault) throw badInput(`${fault.path.slice(1).join('.')} ${fault.message}`, fault.path)
  if (Object.keys(given).length === 0) return
  await asTenant(db.tenant, recipient.tenantId, async (tx) => {
    // The recipient's lock, as of whatever plans for it: no plan sees half of a change.
    await lockOneInbox(tx, recipient)
    await tx.commitWith([setPolicy(recipient, given, clock.now())])
  })
  const { quietHours = [], caps = [] } = given
  watchSettingNames(recipient.tenantId, {
    category: caps.map(({ category }) => category),
    channel: [...quietHours.flatMap(({ channels }) => channels), ...caps.map(({ channel }) => channel)],
  })
}

/** A recipient's policy settings; none where it never gave any. */
export const policyOf = async ({ db }: Capabilities, recipient: InboxKey): Promise<PolicySettings> => {
  const [row] = await asTenant(db.tenant, recipient.tenantId, (tx) => tx.query<PolicyRow>(loadPolicies([recipient])))
  return row ? toPolicy(row) : NO_POLICY
}
