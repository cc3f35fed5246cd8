import {
  DIGEST_GROUPINGS,
  DIGEST_WINDOW_KINDS,
  type DigestRule,
  type DigestRuleDefinition,
  type DigestWindow,
} from '../../core/digest-rule.ts'
import { digestRuleFault } from '../../core/digest-rule-fault.ts'
import type { Database } from '../../db/client.ts'
import {
  deleteDigestRule as deleteRule,
  dropUnconfiguredRules,
  listTenantsWithoutRules,
  lockConfiguredRules,
  readStoredRules,
  type StoredRuleRow,
  storeDigestRules,
} from '../../db/sql/digest-rules.ts'
import { holdTenants } from '../../db/sql/tenant-doors.ts'
import { asTenant, inTransaction, type Transaction } from '../../db/transaction.ts'
import { badInput, CarillonError, SetupError } from '../../errors.ts'
import type { Capabilities } from '../capabilities.ts'

const windowOf = (window: DigestRuleDefinition['window']): DigestWindow =>
  window.kind === 'boundary' ? { ...window, timeZone: window.timeZone ?? null } : window

const toRule = ({ window, ...rule }: DigestRuleDefinition): DigestRule => ({
  ...rule,
  matchNotificationKey: rule.matchNotificationKey ?? null,
  matchCategory: rule.matchCategory ?? null,
  maxItems: rule.maxItems ?? null,
  excludeRead: rule.excludeRead ?? false,
  window: windowOf(window),
})

const ruleFaults = (definition: DigestRuleDefinition, index: number): string[] => {
  const named = typeof definition?.key === 'string' && definition.key.trim() !== ''
  const name = named ? `Digest rule "${definition.key}"` : `digestRules[${index}]`
  if (!named) return [`${name} has no key`]
  if (!DIGEST_GROUPINGS.includes(definition.groupBy)) {
    return [`${name}: groupBy must be one of ${DIGEST_GROUPINGS.join(', ')}`]
  }
  if (!DIGEST_WINDOW_KINDS.includes(definition.window?.kind)) {
    return [`${name}: window.kind must be one of ${DIGEST_WINDOW_KINDS.join(', ')}`]
  }
  if (typeof definition.channel !== 'string') return [`${name} has no channel`]
  for (const field of ['matchNotificationKey', 'matchCategory'] as const) {
    if (!['string', 'undefined'].includes(typeof definition[field])) return [`${name}: ${field} must be text`]
  }
  if (!['boolean', 'undefined'].includes(typeof definition.excludeRead)) {
    return [`${name}: excludeRead must be true or false`]
  }
  const fault = digestRuleFault(toRule(definition), [], (field) => ['window', field])
  return fault ? [`${name}: ${fault.path.join('.')} ${fault.message}`] : []
}

/** The rules of a configuration, checked. All faults are named at once, in one `SetupError`. */
export const readDigestRules = (definitions: readonly DigestRuleDefinition[] = []): readonly DigestRule[] => {
  if (!Array.isArray(definitions)) throw new SetupError('`digestRules` must be a list')
  const faults = definitions.flatMap(ruleFaults)
  if (faults.length === 0) {
    const names = definitions.map(({ key, version }) => `"${key}" version ${version}`)
    const twice = names.filter((name, index) => names.indexOf(name) < index)
    faults.push(...twice.map((name) => `Digest rule ${name} is defined twice`))
  }
  if (faults.length > 0) throw new SetupError(`The digest rules have faults:\n- ${faults.join('\n- ')}`)
  return definitions.map(toRule)
}

/** Stores rules, and answers how they are stored. */
const store = async (
  tx: Transaction,
  { tenantIds, rules }: { readonly tenantIds: readonly string[]; readonly rules: readonly DigestRule[] },
  options: { readonly configured: boolean; readonly now: Date | null },
): Promise<readonly StoredRuleRow[]> => {
  const [, stored] = await Promise.all([
    tx.query(storeDigestRules(tenantIds, rules, options)),
    tx.query<StoredRuleRow>(readStoredRules(tenantIds, rules)),
  ])
  return stored
}

const changed = (row: StoredRuleRow): boolean => !row.same

/** Stores a configuration's rules for a tenant, or for all of them where it is left out; with all, those go that left it. */
export const storeConfiguredRules = async (
  { system }: Pick<Database, 'system'>,
  rules: readonly DigestRule[],
  { now, tenantId }: { readonly now: Date | null; readonly tenantId?: string },
): Promise<void> =>
  inTransaction(system, async (tx) => {
    await tx.query(lockConfiguredRules())
    const tenants = await tx.query<{ id: string }>(holdTenants(tenantId ?? null))
    const ids = tenants.map(({ id }) => id)
    if (rules.length > 0) {
      const stored = await store(tx, { tenantIds: ids, rules }, { configured: true, now })
      const other = stored
        .filter(changed)
        .map(({ key, version }) => `"${key}" is stored with other fields under version ${version}`)
      if (other.length > 0) {
        throw new SetupError(
          `The digest rules have faults:\n- ${[...new Set(other)].map((one) => `Digest rule ${one}: raise its version`).join('\n- ')}`,
        )
      }
    }
    if (tenantId === undefined) await tx.query(dropUnconfiguredRules(rules, now))
  })

/** Gives tenants that were made since the start, by whomever, the configuration's rules. */
export const fillInConfiguredRules = async ({
  db,
  digestRules,
  clock,
}: Pick<Capabilities, 'db' | 'digestRules' | 'clock'>): Promise<void> => {
  if (digestRules.length === 0) return
  const { rows } = await db.system.query<{ id: string }>(listTenantsWithoutRules(digestRules))
  for (const { id } of rows) await storeConfiguredRules(db, digestRules, { now: clock.now(), tenantId: id })
}

/** Stores one version of a rule; answers its id. */
export const upsertDigestRule = async (
  { db, clock }: Capabilities,
  tenantId: string,
  rule: DigestRule,
): Promise<string> =>
  asTenant(db.tenant, tenantId, async (tx) => {
    const [row] = await store(tx, { tenantIds: [tenantId], rules: [rule] }, { configured: false, now: clock.now() })
    if (row && changed(row)) {
      throw new CarillonError(
        'INVALID_STATE',
        `Digest rule "${rule.key}" is stored with other fields under version ${rule.version}: give the changed one a new version`,
        { path: ['input', 'version'] },
      )
    }
    return (row as StoredRuleRow).id
  })

/** Deletes one version of a rule, so that it decides for no new bucket; answers its id. */
export const deleteDigestRule = async (
  { db, clock }: Capabilities,
  rule: { readonly tenantId: string; readonly key: string; readonly version: number },
): Promise<string> => {
  if (!Number.isInteger(rule.version)) throw badInput('version must be a whole number', ['input', 'version'])
  const [row] = await asTenant(db.tenant, rule.tenantId, (tx) =>
    tx.query<{ id: string }>(deleteRule(rule, clock.now())),
  )
  if (!row)
    throw new CarillonError('NOT_FOUND', `There is no version ${rule.version} of a digest rule "${rule.key}"`, {
      path: ['input'],
    })
  return row.id
}
