import { parseArgs } from 'node:util'
import { databaseClock } from '../clock.ts'
import { KEY_SCOPES, type KeyScope } from '../core/principal.ts'
import { openDatabase } from '../db/client.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'
import { createApiKey, ensureTenant } from '../operations/credentials.ts'

const USAGE = 'carillon keys create --tenant acme --scope TRIGGER [--scope OPERATE] [--label "billing backend"]'

/** `carillon keys create`: makes an API key, and its tenant where that is new, and prints the key this once. */
export const keys = async ({ databaseUrl }: Environment, args: readonly string[]): Promise<void> => {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { tenant: { type: 'string' }, scope: { type: 'string', multiple: true }, label: { type: 'string' } },
  })
  const scopes = (values.scope ?? []).filter((scope): scope is KeyScope =>
    (KEY_SCOPES as readonly string[]).includes(scope),
  )
  const { tenant } = values
  if (positionals[0] !== 'create' || !tenant || scopes.length === 0 || scopes.length !== values.scope?.length) {
    throw new SetupError(`Usage: ${USAGE}`)
  }
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(tenant)) {
    throw new SetupError('A tenant is named in lower-case letters, digits, "-" and "_", at most 63 characters')
  }
  if (!databaseUrl) throw new SetupError('DATABASE_URL says in which database; it is not set')
  const db = openDatabase({ url: databaseUrl, connections: 1 })
  try {
    // A running server gives it the configuration's digest rules.
    await ensureTenant({ db, digestRules: [], clock: databaseClock }, tenant)
    process.stdout.write(`${await createApiKey(db, { tenantId: tenant, scopes, label: values.label ?? '' })}\n`)
  } finally {
    await db.close()
  }
}
