import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SetupError } from '../server/errors.ts'

export interface Migration {
  /** Its folder's name: `<UTC yyyymmddhhmmss>_<name>`. */
  readonly name: string
  readonly script: string
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The checksum that Prisma keeps of a script: SHA-256 of its text as it is, in hexadecimal. */
export const checksumOf = ({ script }: Migration): string => sha256(script)

/** Whether a checksum was made of this script. As in Prisma, line endings do not count: git changes them on Windows. */
export const isChecksumOf = (migration: Migration, checksum: string): boolean => {
  const lf = migration.script.replaceAll('\r\n', '\n')
  return [migration.script, lf, lf.replaceAll('\n', '\r\n')].some((text) => sha256(text) === checksum)
}

const failsWith = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

const readScript = async (directory: string, name: string): Promise<string> => {
  try {
    return await readFile(join(directory, name, 'migration.sql'), 'utf8')
  } catch (error) {
    if (!failsWith(error, 'ENOENT')) throw error
    throw new SetupError(`${join(directory, name)} has no migration.sql: put it back, or delete the folder`)
  }
}

/** The migrations of a directory, oldest first. Every folder in it is one; files in it are none. */
export const readMigrations = async (directory: string): Promise<readonly Migration[]> => {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (!failsWith(error, 'ENOENT')) throw error
    throw new SetupError(`There are no migrations at ${directory}: install the package whole`)
  })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(names.sort().map(async (name) => ({ name, script: await readScript(directory, name) })))
}
