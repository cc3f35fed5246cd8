import { canonicalJson } from '../../core/canonical-json.ts'
import { type DefinitionRow, readDefinitions, storeDefinitions } from '../../db/sql/store-definitions.ts'
import { SetupError } from '../../errors.ts'
import { workflowOf } from '../../notifiers/workflow.ts'
import type { Capabilities } from '../capabilities.ts'

/**
 * Keeps every workflow of the configuration, and refuses one that was changed without a new version: runs that are
 * under way follow the one that they began with, and a name and version stands for one.
 */
export const keepDefinitions = async ({ db, clock, notifiers }: Capabilities): Promise<void> => {
  const found = [...notifiers.values()].flatMap((notifier) => {
    const workflow = workflowOf(notifier)
    return workflow ? [{ notifier: notifier.key, workflow }] : []
  })
  if (found.length === 0) return
  const workflows = found.map(({ workflow }) => workflow)
  await db.system.query(storeDefinitions(workflows, clock.now()))
  const { rows } = await db.system.query<DefinitionRow>(readDefinitions(workflows))
  const changed = found.filter(({ workflow }) =>
    rows.some(
      ({ key, version, definition }) =>
        key === workflow.key && version === workflow.version && canonicalJson(definition) !== canonicalJson(workflow),
    ),
  )
  if (changed.length === 0) return
  const faults = changed.map(
    ({ notifier, workflow: { key, version } }) =>
      `Notifier "${notifier}": \`workflow\` "${key}" has changed, and its version is still ${version}: raise it, for what began with that version follows it as it was`,
  )
  throw new SetupError(`The notifiers have faults:\n- ${[...new Set(faults)].join('\n- ')}`)
}
