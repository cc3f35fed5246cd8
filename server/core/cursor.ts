import { createHash } from 'node:crypto'

/** Whose inbox a cursor belongs to. */
export interface InboxKey {
  readonly tenantId: string
  readonly recipientId: string
}

/** Ties a version to its inbox: a cursor that was changed, or handed to another inbox, is told from a real one. */
const seal = ({ tenantId, recipientId }: InboxKey, version: number): string =>
  createHash('sha256').update(`${tenantId}\n${recipientId}\n${version}`).digest('base64url').slice(0, 8)

/** A position in one recipient's inbox, opaque to its holder: the inbox's version, and whose it is. */
export const encodeInboxCursor = (inbox: InboxKey, version: number): string =>
  Buffer.from(`${version}.${seal(inbox, version)}`).toString('base64url')

/** The version behind a cursor; `null` where it is malformed or another inbox's. */
export const decodeInboxCursor = (inbox: InboxKey, cursor: string): number | null => {
  const digits = /^(\d{1,15})\./.exec(Buffer.from(cursor, 'base64url').toString())?.[1]
  if (digits === undefined) return null
  const version = Number(digits)
  // There is one way to write a cursor; base64 by itself would let several pass.
  return encodeInboxCursor(inbox, version) === cursor ? version : null
}
