import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashOf } from '../../server/cli/persisted-manifest.ts'
import { readPersistedOperations } from '../../server/cli/persisted-operations.ts'
import type { PersistedOnly, PersistedOperations } from '../../server/core/persisted-operations.ts'

/** A file of persisted operations, in a folder that `work` may fill with more. */
export const withFile = async <T>(content: string, work: (file: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-persisted-'))
  try {
    const file = join(folder, 'persisted-documents.json')
    await writeFile(file, content)
    return await work(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What GraphQL Code Generator would write of these texts. */
export const manifestOf = (...texts: readonly string[]): string =>
  JSON.stringify(Object.fromEntries(texts.map((text) => [`sha256:${hashOf(text)}`, text])))

/** These texts and Carillon's own, as a server reads them. */
export const persisted = (only: PersistedOnly, ...texts: readonly string[]): Promise<PersistedOperations> =>
  withFile(manifestOf(...texts), (file) =>
    readPersistedOperations({ persistedOperations: [file], persistedOnly: only }, { introspection: true }),
  )
