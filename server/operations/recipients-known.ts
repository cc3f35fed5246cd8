import type { InboxKey } from '../core/cursor.ts'
import { inboxName } from '../core/name-of.ts'
import { bouncedName, type Recipient } from '../core/recipient.ts'
import type { Database } from '../db/client.ts'
import { ensureInboxes } from '../db/sql/ensure-inboxes.ts'
import { loadRecipients, type RecipientRow } from '../db/sql/load-recipients.ts'
import { coalesce } from './coalesce.ts'

/** Inboxes that are known to exist; forgotten all at once when there are too many, which costs one insert each. */
const MAX_KNOWN_INBOXES = 200_000

export const toRecipient = (row: RecipientRow): Recipient => ({
  id: row.recipient_id,
  type: row.type,
  displayName: row.display_name,
  email: row.email,
  phone: row.phone,
  timeZone: row.time_zone,
  locale: row.locale,
  data: row.data,
  addresses: row.addresses.map(({ channel, address }) => ({ channel, address })),
})

/** The addresses of a recipient that a provider said take no messages, by `bouncedName`. */
export const bouncedOf = (row: RecipientRow): ReadonlySet<string> =>
  new Set([
    ...(row.email_bounced && row.email ? [bouncedName('email', row.email)] : []),
    ...(row.phone_bounced && row.phone ? [bouncedName('sms', row.phone)] : []),
    ...row.addresses.filter(({ bounced }) => bounced).map(({ channel, address }) => bouncedName(channel, address)),
  ])

/** What is needed of recipients before a plan's transaction opens: their details, and that each has an inbox to lock. */
export interface KnownRecipients {
  /** The stored details of these recipients of one tenant, by id. */
  load(tenantId: string, ids: readonly string[]): Promise<ReadonlyMap<string, Recipient>>
  /** Makes the inboxes anew that turned out to be missing. */
  forget(inboxes: readonly InboxKey[]): void
}

export const knowRecipients = (db: Database): KnownRecipients => {
  const known = new Set<string>()

  const loadAll = async (groups: readonly (readonly InboxKey[])[]) => {
    const keys = new Map(groups.flat().map((key) => [inboxName(key), key]))
    const missing = [...keys.values()].filter((key) => !known.has(inboxName(key)))
    const [{ rows }] = await Promise.all([
      db.system.query<RecipientRow>(loadRecipients([...keys.values()])),
      missing.length > 0 ? db.system.query(ensureInboxes(missing)) : null,
    ])
    if (known.size + missing.length > MAX_KNOWN_INBOXES) known.clear()
    for (const key of missing) known.add(inboxName(key))
    const found = new Map(
      rows.map((row) => [inboxName({ tenantId: row.tenant_id, recipientId: row.recipient_id }), toRecipient(row)]),
    )
    return groups.map(
      (group) =>
        new Map(
          group.flatMap((key) => {
            const recipient = found.get(inboxName(key))
            return recipient ? [[key.recipientId, recipient] as const] : []
          }),
        ),
    )
  }

  const load = coalesce(loadAll, { limit: 200 })
  return {
    load: (tenantId, ids) => load(ids.map((recipientId) => ({ tenantId, recipientId }))),
    forget: (inboxes) => {
      for (const inbox of inboxes) known.delete(inboxName(inbox))
    },
  }
}
