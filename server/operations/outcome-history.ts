import type { DeliveryStatus, OrchestrationState } from '../core/delivery.ts'
import { type OutcomePeriod, outcomePeriods } from '../core/outcome.ts'
import { type CountedPeriods, countByPeriod, type PeriodStateCountRow } from '../db/sql/count-outcomes.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { asTenant } from '../db/transaction.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'
import { idsInserted } from './ids-inserted.ts'

/** So that no look at the past reads more than a month of it. */
const MAX_DAYS = 31
const DAY_MINUTES = 1_440
const MAX_PERIODS = 750

const check = ({ insertedAfter: from, insertedBefore: to, periodMinutes }: CountedPeriods): void => {
  const minutes = (to.getTime() - from.getTime()) / 60_000
  if (minutes < 0) throw badInput('insertedBefore is earlier than insertedAfter', ['input', 'insertedBefore'])
  if (minutes > MAX_DAYS * DAY_MINUTES) {
    throw badInput(`The interval is longer than ${MAX_DAYS} days: ask for each part of it`, ['input', 'insertedAfter'])
  }
  if (periodMinutes < 1 || periodMinutes > DAY_MINUTES) {
    throw badInput(`periodMinutes is 1 to ${DAY_MINUTES}`, ['input', 'periodMinutes'])
  }
  if (minutes / periodMinutes > MAX_PERIODS) {
    throw badInput(`There are more than ${MAX_PERIODS} periods: ask for longer ones`, ['input', 'periodMinutes'])
  }
}

/** What became of the deliveries that were planned in each period of an interval, in order of time; till now by default. */
export const readOutcomeHistory = async (
  { db, clock }: Pick<Capabilities, 'db' | 'clock'>,
  { insertedBefore, ...asked }: Omit<CountedPeriods, 'insertedBefore'> & { readonly insertedBefore: Date | null },
): Promise<readonly OutcomePeriod[]> => {
  const { counted, rows } = await asTenant(db.tenant, asked.tenantId, async (tx) => {
    const [time] = await tx.query<ClockRow>(readClock(insertedBefore ?? clock.now()))
    const counted = { ...asked, insertedBefore: (time as ClockRow).now }
    check(counted)
    const ids = idsInserted({ clock }, { after: counted.insertedAfter, before: counted.insertedBefore })
    return { counted, rows: await tx.query<PeriodStateCountRow>(countByPeriod(counted, ids)) }
  })
  const { insertedAfter: from, insertedBefore: to, periodMinutes } = counted
  return outcomePeriods(
    rows.map((row) => ({
      startsAt: row.starts_at,
      status: row.status as DeliveryStatus,
      orchestrationState: row.orchestration_state as OrchestrationState,
      exhausted: row.exhausted,
      count: row.count,
    })),
    { from, to, periodMinutes },
  )
}
