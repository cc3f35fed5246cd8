import { createHash } from 'node:crypto'

/** Whose inbox a cursor belongs to. */
export interface InboxKey {
  readonly tenantId: string
  readonly recipientId: string
}

const owner = ({ tenantId, recipientId }: InboxKey): string =>
  createHash('sha256').update(`${tenantId}\n${recipientId}`).digest('base64url').slice(0, 8)

/** A position in one recipient's inbox, opaque to its holder: the inbox's version, and whose it is. */
export const encodeInboxCursor = (inbox: InboxKey, version: number): string =>
  Buffer.from(`${version}.${owner(inbox)}`).toString('base64url')

/** The version behind a cursor; `null` where it is malformed or another inbox's. */
export const decodeInboxCursor = (inbox: InboxKey, cursor: string): number | null => {
  const match = /^(\d{1,15})\.(.{8})$/.exec(Buffer.from(cursor, 'base64url').toString())
  return match && match[2] === owner(inbox) ? Number(match[1]) : null
}
