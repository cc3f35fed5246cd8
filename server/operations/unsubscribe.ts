import { preferencesFor } from '../core/preference.ts'
import type { UnsubscribeSubject } from '../core/unsubscribe-token.ts'
import { loadPreferences, type PreferenceRow } from '../db/sql/load-preferences.ts'
import { asTenant } from '../db/transaction.ts'
import type { Capabilities } from './capabilities.ts'
import { toPreference } from './facts.ts'
import { type PreferenceInput, storePreferences } from './preferences.ts'

/**
 * Switches off what an unsubscribe link is for. Done again it changes nothing. A notifier of the category that the
 * recipient had switched on by its own key is switched off too: the more specific preference would win, and mail would
 * go on coming that was unsubscribed from.
 */
export const unsubscribe = async (capabilities: Capabilities, subject: UnsubscribeSubject): Promise<void> => {
  const { tenantId, recipientId, channel, category, notificationKey } = subject
  const recipient = { tenantId, recipientId }
  const off: PreferenceInput[] = [{ category, notificationKey, channel, enabled: false }]
  if (category !== null) {
    const rows = await asTenant(capabilities.db.tenant, tenantId, (tx) =>
      tx.query<PreferenceRow>(loadPreferences([recipient])),
    )
    const stored = [...rows.map(toPreference), { category, notificationKey, channel, enabled: false }]
    for (const { key, category: own, required } of capabilities.notifiers.values()) {
      if (own !== category || required) continue
      const decider = preferencesFor(stored, { notificationKey: key, category, channel })[0]?.preference
      if (decider?.enabled) off.push({ notificationKey: key, channel, enabled: false })
    }
  }
  await storePreferences(capabilities, recipient, off)
}
