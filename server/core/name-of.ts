import type { InboxKey } from './cursor.ts'

/** What stands for something of a tenant's as the key of a map. */
export const nameOf = (tenantId: string, id: string | null): string => `${tenantId}\n${id}`

/** The same of a recipient, or its inbox. */
export const inboxName = ({ tenantId, recipientId }: InboxKey): string => nameOf(tenantId, recipientId)
