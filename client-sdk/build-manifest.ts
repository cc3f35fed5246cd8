import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as ofConsole from './console/generated/operations.ts'
import * as ofClient from './generated/operations.ts'

/** Whatever the client, the inbox and the console send, by hash: what a server lists of them by itself. */
export const manifest = (): string => {
  const texts = [ofClient, ofConsole]
    .flatMap((module): readonly unknown[] => Object.values(module))
    .map(String)
    // Fragments stand beside the operations that they are already in.
    .filter((text) => /^\s*(query|mutation|subscription)\b/.test(text))
  const entries = texts.map((text) => [createHash('sha256').update(text).digest('hex'), text] as const)
  return `${JSON.stringify(Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(new URL('generated/persisted-operations.json', import.meta.url), manifest())
}
