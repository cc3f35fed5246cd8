import type { QueryConfig } from 'pg'
import { type OldRows, type PrunedRowsRow, pruneReports } from '../../db/sql/prune-reports.ts'
import { pruneSignals } from '../../db/sql/prune-signals.ts'
import type { Capabilities } from '../capabilities.ts'
import { FIRST_ID, inBatch, type Pass } from './pass.ts'

const BATCH = 500

const pruneRows = async (
  capabilities: Capabilities,
  pass: Pass,
  { cutoff, prune }: { readonly cutoff: Date | null; readonly prune: (tenantId: string, rows: OldRows) => QueryConfig },
): Promise<number> => {
  let count = 0
  let after: string | null = cutoff && FIRST_ID
  while (cutoff && after !== null && !pass.isOver()) {
    const rows: OldRows = { after, limit: BATCH, cutoff }
    const [pruned] = await inBatch(capabilities, pass, (tx) => tx.query<PrunedRowsRow>(prune(pass.tenantId, rows)))
    count += pruned?.count ?? 0
    after = pruned?.more ? pruned.last : null
  }
  return count
}

/** Prunes a tenant's signals that are old enough. */
export const pruneOldSignals = async (capabilities: Capabilities, pass: Pass): Promise<void> =>
  pass.add({ signals: await pruneRows(capabilities, pass, { cutoff: pass.cutoffs.signals, prune: pruneSignals }) })

/** Prunes a tenant's reports that are old enough and that nothing came of. */
export const pruneOldReports = async (capabilities: Capabilities, pass: Pass): Promise<void> =>
  pass.add({ reports: await pruneRows(capabilities, pass, { cutoff: pass.cutoffs.reports, prune: pruneReports }) })
