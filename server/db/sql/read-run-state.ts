import type { QueryConfig } from 'pg'
import type { RunState } from '../../core/workflow/run.ts'
import type { RunKey } from './write-runs.ts'

export interface RunStateRow {
  state: RunState
  status_reason: string
}

/** How a run stands. Index: workflow_run's key. No lock. */
export const readRunState = ({ tenantId, id }: RunKey): QueryConfig => ({
  name: 'read_run_state',
  text: `select state, status_reason from workflow_run where tenant_id = $1 and id = $2`,
  values: [tenantId, id],
})
