import type { QueryConfig } from 'pg'
import type { WorkflowDefinition } from '../../core/workflow/definition.ts'

/** What the code of this installation says stands under this, whatever tenants there are. */
const INSTALLATION = '*'

const keysOf = (definitions: readonly WorkflowDefinition[]) => [
  definitions.map(({ key }) => key),
  definitions.map(({ version }) => version),
]

/** Keeps workflows by key and version; those that are kept already stay as they are. */
export const storeDefinitions = (definitions: readonly WorkflowDefinition[], now: Date | null): QueryConfig => ({
  name: 'store_definitions',
  text: `
insert into workflow_definition (tenant_id, key, version, definition, inserted_at)
select $1, u.key, u.version, u.definition, coalesce($5::timestamptz, clock_timestamp())
from unnest($2::text[], $3::int4[], $4::jsonb[]) as u (key, version, definition) order by 1, 2, 3
on conflict do nothing`,
  values: [INSTALLATION, ...keysOf(definitions), definitions.map((definition) => JSON.stringify(definition)), now],
})

export interface DefinitionRow {
  key: string
  version: number
  definition: WorkflowDefinition
}

/** What is kept of these workflows, of the installation and of every tenant that has had runs of them. No lock. */
export const readDefinitions = (definitions: readonly WorkflowDefinition[]): QueryConfig => ({
  name: 'read_definitions',
  text: `
select distinct d.key, d.version, d.definition from unnest($1::text[], $2::int4[]) as k (key, version)
join workflow_definition d on d.key = k.key collate "C" and d.version = k.version`,
  values: keysOf(definitions),
})
