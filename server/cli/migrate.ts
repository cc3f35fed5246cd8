import { applyMigrations, migrationStatus } from '../../prisma/migrate.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'
import { answerNo, progress, say, sayJson } from './output.ts'

interface MigrateCommand {
  /** Says what is left to do, and does nothing. */
  readonly statusOnly: boolean
  readonly json: boolean
}

const status = async (databaseUrl: string, json: boolean): Promise<void> => {
  const { applied, pending } = await migrationStatus(databaseUrl)
  if (pending.length > 0) answerNo()
  if (json) return sayJson({ applied, pending })
  for (const name of applied) say(`applied  ${name}`)
  for (const name of pending) say(`pending  ${name}`)
  say(pending.length > 0 ? `${pending.length} to apply: carillon migrate` : 'The schema is up to date.')
}

/** `carillon migrate`: brings the database's schema up to date, and does nothing else. */
export const migrate = async ({ databaseUrl }: Environment, { statusOnly, json }: MigrateCommand): Promise<void> => {
  if (!databaseUrl) throw new SetupError('DATABASE_URL says which database to migrate; it is not set')
  if (statusOnly) return status(databaseUrl, json)
  const applied = await applyMigrations(databaseUrl, {
    onApplying: (name, step, of) => progress(`${step} of ${of}: ${name} ...`),
    onApplied: (name) => {
      if (!json) say(`Applied ${name}`)
    },
  })
  if (json) return sayJson({ applied })
  if (applied.length === 0) say('The schema is up to date.')
}
