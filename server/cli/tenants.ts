import { databaseClock } from '../clock.ts'
import type { Environment } from '../environment.ts'
import { ensureTenant, RECIPIENTS_COUNTED, readTenants } from '../operations/tenants.ts'
import { answerNo, say, sayJson, shownTime, table, tell } from './output.ts'
import { withDatabase } from './with-database.ts'

interface Answer {
  readonly json: boolean
}

/** `carillon tenants create`. A running server gives it the configuration's digest rules within a minute. */
export const createTenant = async (environment: Environment, id: string, { json }: Answer): Promise<void> => {
  const isNew = await withDatabase(environment, (db) => ensureTenant({ db, digestRules: [], clock: databaseClock }, id))
  if (!isNew) answerNo()
  if (json) return sayJson({ id, created: isNew })
  if (!isNew) return tell(`There is a tenant ${id} already; it stays as it is.`)
  say(`Created the tenant ${id}.`)
  tell(`Make a key for its backend: carillon keys create --tenant ${id} --scope TRIGGER`)
}

/** `carillon tenants list`. */
export const listTenants = async (environment: Environment, { json }: Answer): Promise<void> => {
  const tenants = await withDatabase(environment, readTenants)
  if (json) return sayJson({ tenants })
  if (tenants.length === 0) return tell('There is no tenant yet: carillon tenants create <name>')
  const rows = tenants.map(({ id, keyCount, recipientCount, lastEventAt, createdAt }) => [
    id,
    keyCount,
    recipientCount >= RECIPIENTS_COUNTED ? `${RECIPIENTS_COUNTED} or more` : String(recipientCount),
    lastEventAt ? shownTime(lastEventAt) : 'never',
    shownTime(createdAt),
  ])
  say(table(['tenant', 'keys', 'recipients', 'last event', 'created'], rows))
}
