import { createHash } from 'node:crypto'

/** An id that always follows from the same parts: a UUID that looks like any other, and says nothing of them. */
export const derivedId = (...parts: readonly string[]): string => {
  const bytes = createHash('sha256').update(parts.join('\n')).digest()
  // Version 8: made by a rule of one's own.
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
