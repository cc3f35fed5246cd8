import { applyMigrations } from '../../prisma/migrate.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'

/** `carillon migrate`: brings the database's schema up to date, and does nothing else. */
export const migrate = async ({ databaseUrl }: Environment): Promise<void> => {
  if (!databaseUrl) throw new SetupError('DATABASE_URL says which database to migrate; it is not set')
  const applied = await applyMigrations(databaseUrl)
  process.stdout.write(applied.length > 0 ? `Applied ${applied.join(', ')}\n` : 'The schema is up to date\n')
}
