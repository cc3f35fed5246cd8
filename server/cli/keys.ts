import { databaseClock } from '../clock.ts'
import type { Database } from '../db/client.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'
import { checkKey, issueApiKey, type NewKey, type RevokedKey, readApiKeys, revokeKeys } from '../operations/api-keys.ts'
import { readDoors } from '../operations/tenant-doors.ts'
import { ensureTenant, revokeRecipientTokens, tenantExists } from '../operations/tenants.ts'
import { answerNo, say, sayJson, shownTime, table, tell } from './output.ts'
import { withDatabase } from './with-database.ts'

interface Answer {
  readonly json: boolean
}

/** `carillon keys create`: makes a key, and its tenant where that is new, and prints the key this once. */
export const createKey = async (environment: Environment, { json, ...newKey }: NewKey & Answer): Promise<void> => {
  const { tenantId, scopes, label, expiresAt = null } = newKey
  const { id, key, isShut } = await withDatabase(environment, async (db) => {
    // A running server gives it the configuration's digest rules.
    const isNew = await ensureTenant({ db, digestRules: [], clock: databaseClock }, tenantId)
    if (isNew) tell(`Created the tenant ${tenantId}.`)
    const door = (await readDoors(db, [tenantId])).get(tenantId)
    return { ...(await issueApiKey(db, newKey)), isShut: door?.disabled === true }
  })
  if (json) return sayJson({ id, tenantId, scopes, label, expiresAt, key })
  say(key)
  tell(
    `The key ${id} of ${tenantId}, for ${scopes.join(' and ')}${expiresAt ? `, until ${shownTime(expiresAt)}` : ''}. It is shown this once: keep it where secrets are kept.`,
  )
  if (isShut) tell(`It is refused until the tenant is enabled: carillon tenants enable ${tenantId}`)
}

const checkTenant = async (db: Database, tenantId: string): Promise<void> => {
  if (!(await tenantExists(db, tenantId))) {
    throw new SetupError(
      `There is no tenant ${JSON.stringify(tenantId)}: "carillon tenants list" shows those there are`,
    )
  }
}

/** `carillon keys list`. */
export const listKeys = async (
  environment: Environment,
  { tenantId, all, json }: Answer & { readonly tenantId: string | null; readonly all: boolean },
): Promise<void> => {
  const known = await withDatabase(environment, async (db) => {
    if (tenantId !== null) await checkTenant(db, tenantId)
    return readApiKeys(db, tenantId)
  })
  const keys = known.filter(({ revokedAt, expired }) => all || (revokedAt === null && !expired))
  if (json) return sayJson({ keys })
  if (keys.length === 0) return tell('There is no such key: carillon keys create --tenant <name> --scope TRIGGER')
  const rows = keys.map((key) => [
    key.id,
    key.tenantId,
    key.scopes.join('+'),
    shownTime(key.createdAt),
    key.lastUsedAt ? shownTime(key.lastUsedAt) : 'never',
    key.expiresAt ? shownTime(key.expiresAt) : 'never',
    ...(all ? [key.revokedAt ? `revoked ${shownTime(key.revokedAt)}` : key.expired ? 'expired' : 'valid'] : []),
    key.label,
  ])
  say(table(['id', 'tenant', 'scopes', 'created', 'last used', 'expires', ...(all ? ['state'] : []), 'label'], rows))
}

const lineOf = ({ id, tenantId, label, before, revokedAt }: RevokedKey): string => {
  const what = `${id} of ${tenantId}${label ? ` (${label})` : ''}`
  return before && revokedAt ? `${what} was revoked ${shownTime(revokedAt)}.` : `Revoked ${what}.`
}

/** `carillon keys revoke`. */
export const revoke = async (
  environment: Environment,
  which: readonly ({ readonly key: string } | { readonly allOf: string })[],
  { tokensOf, json }: Answer & { readonly tokensOf: string | null },
): Promise<void> => {
  const found = await withDatabase(environment, async (db) => {
    // All of them before any is revoked: whoever mistyped one begins anew with all.
    for (const one of which) {
      if ('allOf' in one) await checkTenant(db, one.allOf)
      else checkKey(one.key)
    }
    if (tokensOf !== null) await revokeRecipientTokens(db, tokensOf)
    const revoked: (readonly RevokedKey[])[] = []
    for (const one of which) revoked.push(await revokeKeys(db, one))
    return revoked
  })
  const missing = which.flatMap((one, index) => ('key' in one && found[index]?.length === 0 ? [one.key] : []))
  if (missing.length > 0) answerNo()
  if (json) return sayJson({ revoked: found.flat(), notFound: missing.length, tokensOf })
  if (tokensOf !== null) say(`Revoked all recipient tokens of ${tokensOf}.`)
  for (const key of found.flat()) say(lineOf(key))
  if (which.length > 0 && found.flat().length === 0 && missing.length === 0) tell('The tenant has no key.')
  // Not what was typed: it may be a key.
  if (missing.length > 0)
    tell(`${missing.length} of ${which.length} not found: "carillon keys list --all" shows the ids.`)
  else tell('Running servers refuse what was revoked within seconds, and end the streams that were opened by it.')
}
