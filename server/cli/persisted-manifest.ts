import { createHash } from 'node:crypto'
import { z } from 'zod'

const byHash = z.record(z.string(), z.string())
/** As Apollo's tools write it. */
const listed = z.object({ operations: z.array(z.object({ id: z.string(), body: z.string() })) })

/** One line of a file of persisted operations. */
export interface ManifestEntry {
  /** As the file has it, without `sha256:`. */
  readonly hash: string
  readonly text: string
}

const entry = (id: string, text: string): ManifestEntry => ({ hash: id.replace(/^sha256:/, ''), text })

/**
 * Reads what GraphQL Code Generator writes (hash to text), or Apollo's manifest; `null` where it is neither. Whether the
 * hashes are those of the texts is not looked at.
 */
export const readManifest = (json: string): readonly ManifestEntry[] | null => {
  let given: unknown
  try {
    given = JSON.parse(json)
  } catch {
    return null
  }
  const apollo = listed.safeParse(given)
  if (apollo.success) return apollo.data.operations.map(({ id, body }) => entry(id, body))
  const plain = byHash.safeParse(given)
  return plain.success ? Object.entries(plain.data).map(([id, text]) => entry(id, text)) : null
}

/** The hash that clients name a text by: SHA-256 of its UTF-8, in hexadecimal. */
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
