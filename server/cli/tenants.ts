import { databaseClock } from '../clock.ts'
import type { Environment } from '../environment.ts'
import { removeTenant } from '../operations/tenant-removal.ts'
import {
  disableTenant,
  enableTenant,
  ensureTenant,
  type KnownTenant,
  RECIPIENTS_COUNTED,
  readTenants,
} from '../operations/tenants.ts'
import { answerNo, progress, say, sayJson, shownTime, table, tell } from './output.ts'
import { UsageError } from './usage.ts'
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

const stateOf = ({ disabledAt, removingAt }: KnownTenant): string => {
  if (removingAt) return `being removed since ${shownTime(removingAt)}`
  return disabledAt ? `disabled since ${shownTime(disabledAt)}` : 'enabled'
}

/** `carillon tenants list`. */
export const listTenants = async (environment: Environment, { json }: Answer): Promise<void> => {
  const tenants = await withDatabase(environment, readTenants)
  if (json) return sayJson({ tenants })
  if (tenants.length === 0) return tell('There is no tenant yet: carillon tenants create <name>')
  const rows = tenants.map((tenant) => [
    tenant.id,
    tenant.keyCount,
    tenant.recipientCount >= RECIPIENTS_COUNTED ? `${RECIPIENTS_COUNTED} or more` : String(tenant.recipientCount),
    tenant.lastEventAt ? shownTime(tenant.lastEventAt) : 'never',
    shownTime(tenant.createdAt),
    stateOf(tenant),
  ])
  say(table(['tenant', 'keys', 'recipients', 'last event', 'created', 'state'], rows))
}

/** `carillon tenants disable`. */
export const disable = async (environment: Environment, id: string, { json }: Answer): Promise<void> => {
  const { disabledAt, before } = await withDatabase(environment, (db) => disableTenant(db, id))
  if (json) return sayJson({ id, disabledAt, before })
  if (before) return tell(`The tenant ${id} is disabled since ${shownTime(disabledAt)}; it stays so.`)
  say(`Disabled the tenant ${id}.`)
  tell(
    'Running servers refuse its keys and tokens within seconds, and end what is open by them. What was accepted is sent.',
  )
}

/** `carillon tenants enable`. */
export const enable = async (environment: Environment, id: string, { json }: Answer): Promise<void> => {
  const wasDisabled = await withDatabase(environment, (db) => enableTenant(db, id))
  if (json) return sayJson({ id, before: !wasDisabled })
  if (!wasDisabled) return tell(`The tenant ${id} is not disabled; it stays so.`)
  say(`Enabled the tenant ${id}.`)
  tell('Running servers let its keys and tokens in within seconds.')
}

const isAgreed = async (id: string): Promise<boolean> => {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(`It cannot be taken back: carillon tenants remove ${id} --yes`)
  }
  const { createInterface } = await import('node:readline/promises')
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await asking.question(`All of the tenant ${id} goes for good. Type its name: `)).trim() === id
  } finally {
    asking.close()
  }
}

/** How often it says how far it is. */
const PROGRESS_MS = 1_000

/** `carillon tenants remove`. */
export const remove = async (
  environment: Environment,
  id: string,
  { yes, json }: Answer & { readonly yes: boolean },
): Promise<void> => {
  if (!yes && !(await isAgreed(id))) {
    answerNo()
    return tell(`Nothing was removed.`)
  }
  let [rows, told] = [0, performance.now()]
  const tellNow = (text: () => string): void => {
    if (performance.now() - told < PROGRESS_MS) return
    told = performance.now()
    progress(text())
  }
  const removed = await withDatabase(environment, (db) =>
    removeTenant(db, id, {
      onRemoved: (table, count) => {
        rows += count
        tellNow(() => `${rows} rows so far, now of ${table}`)
      },
      onWaiting: () => tellNow(() => 'Waits for what workers have in hand'),
    }),
  )
  if (json) return sayJson({ id, removed })
  say(`Removed the tenant ${id}, with ${rows} ${rows === 1 ? 'row' : 'rows'}.`)
}
