import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from '../../prisma/package-root.ts'
import { schema } from '../../schema/index.ts'
import { type PersistedOperations, persistedOperations } from '../core/persisted-operations.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'
import { persistedFaults } from './persisted-faults.ts'
import { type ManifestEntry, readManifest } from './persisted-manifest.ts'

/** More than this in one breath nobody reads. */
const MOST_SAID = 20

const readEntries = async (file: string): Promise<readonly ManifestEntry[]> => {
  const json = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SetupError(`${file} cannot be read (${error.code ?? error.message})`)
  })
  const entries = readManifest(json)
  if (!entries) throw new SetupError(`${file} is no JSON of hashes and texts, such as { "<sha256>": "query ..." }`)
  return entries
}

/** What Carillon's own client, inbox, console and commands send; they come with the package. */
const ownEntries = async (): Promise<readonly ManifestEntry[]> => {
  const root = await packageRoot(dirname(fileURLToPath(import.meta.url)))
  return readEntries(join(root, 'client-sdk/generated/persisted-operations.json'))
}

export type PersistedEnvironment = Pick<Environment, 'persistedOperations' | 'persistedOnly'>

/**
 * Reads the host's files of operations, and adds Carillon's own. Whatever could never be answered is refused, each with
 * its file, its hash and its operation's name, all in one `SetupError`.
 */
export const readPersistedOperations = async (
  { persistedOperations: files, persistedOnly }: PersistedEnvironment,
  options: { readonly introspection: boolean },
): Promise<PersistedOperations> => {
  const faultsOf = persistedFaults(schema, options)
  const known = new Map((await ownEntries()).map(({ hash, text }) => [hash, text]))
  const faults: string[] = []
  for (const file of files) {
    try {
      for (const entry of await readEntries(file)) {
        faults.push(...faultsOf(entry).map((fault) => `${file}: ${fault}`))
        known.set(entry.hash, entry.text)
      }
    } catch (error) {
      if (!(error instanceof SetupError)) throw error
      faults.push(error.message)
    }
  }
  if (faults.length === 0) return persistedOperations(persistedOnly, known)
  const said = faults.slice(0, MOST_SAID)
  const left = faults.length - said.length
  const more = left > 0 ? `\n- and ${left} more` : ''
  throw new SetupError(`The persisted operations have faults:\n- ${said.join('\n- ')}${more}`)
}
