import type { InboxKey } from '../../core/cursor.ts'
import type { Preference } from '../../core/preference.ts'
import type { PreferenceRow } from '../../db/sql/load-preferences.ts'
import type { InboxRow } from '../../db/sql/lock-inboxes.ts'
import type { InboxAdvance } from '../../db/sql/write-plans.ts'

/** What was read of a recipient after its inbox had been locked; moved on by every plan that is made from it. */
export interface RecipientFacts {
  readonly inbox: { version: number; position: number; arrivals: number }
  readonly preferences: readonly Preference[]
}

const nameOf = ({ tenantId, recipientId }: InboxKey): string => `${tenantId}\n${recipientId}`

/** Facts by recipient, and where their inboxes stand once the plans made from them are written. */
export interface FactBook {
  of(inbox: InboxKey): RecipientFacts | undefined
  /** The inboxes that a plan has moved. */
  advances(): readonly InboxAdvance[]
}

const toPreference = (row: PreferenceRow): Preference => ({
  notificationKey: row.notification_key || null,
  category: row.category || null,
  channel: row.channel || null,
  enabled: row.enabled,
})

/** Stored preferences as the planner knows them, under the names of their recipients (tenant, line break, id). */
export const preferencesByRecipient = (rows: readonly PreferenceRow[]): ReadonlyMap<string, readonly Preference[]> => {
  const set = new Map<string, Preference[]>()
  for (const row of rows) {
    const name = nameOf({ tenantId: row.tenant_id, recipientId: row.recipient_id })
    const own = set.get(name)
    if (own) own.push(toPreference(row))
    else set.set(name, [toPreference(row)])
  }
  return set
}

/** Puts together what the locking statement and the ones after it have read. */
export const bookFacts = (inboxes: readonly InboxRow[], preferences: readonly PreferenceRow[]): FactBook => {
  const set = preferencesByRecipient(preferences)
  const facts = new Map(
    inboxes.map((row) => {
      const key = { tenantId: row.tenant_id, recipientId: row.recipient_id }
      const inbox = { version: row.version, position: row.position, arrivals: 0 }
      return [nameOf(key), { key, lockedAt: row.position, facts: { inbox, preferences: set.get(nameOf(key)) ?? [] } }]
    }),
  )
  return {
    of: (inbox) => facts.get(nameOf(inbox))?.facts,
    advances: () =>
      [...facts.values()]
        .filter(({ lockedAt, facts }) => facts.inbox.position > lockedAt)
        .map(({ key, facts }) => ({ ...key, ...facts.inbox })),
  }
}
