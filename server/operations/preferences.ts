import type { InboxKey } from '../core/cursor.ts'
import { jsonFault, MAX_ID_LENGTH } from '../core/json-limits.ts'
import { levelOf, type Preference, preferencesFor } from '../core/preference.ts'
import { countPreferences, type PreferenceChange, setPreferences } from '../db/sql/set-preferences.ts'
import { holdTenants } from '../db/sql/tenant-doors.ts'
import { asTenant } from '../db/transaction.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'
import { lockOneInbox } from './lock-one-inbox.ts'
import { channelsOf } from './notifiers.ts'

const MAX_CHANGES = 1_000
/** Every trigger reads all of them. */
const MAX_PREFERENCES = 1_000

export interface PreferenceInput {
  readonly notificationKey?: string | null | undefined
  readonly category?: string | null | undefined
  readonly channel?: string | null | undefined
  readonly enabled?: boolean | null | undefined
}

/** Stores what a recipient switched on or off, or forgets it where `enabled` is null. Of two about the same, the later counts. */
export const storePreferences = async (
  { db, clock, watchSettingNames }: Capabilities,
  recipient: InboxKey,
  inputs: readonly PreferenceInput[],
): Promise<void> => {
  if (inputs.length > MAX_CHANGES)
    throw badInput(`preferences holds more than ${MAX_CHANGES}`, ['input', 'preferences'])
  const changes = new Map<string, PreferenceChange>()
  for (const [index, input] of inputs.entries()) {
    const path = ['input', 'preferences', index]
    const change = {
      notificationKey: input.notificationKey ?? null,
      category: input.category ?? null,
      channel: input.channel ?? null,
      enabled: input.enabled ?? null,
    }
    const names = [change.notificationKey, change.category, change.channel].filter((name) => name !== null)
    if (!levelOf(change)) {
      throw badInput(
        'A preference names a notification key, a category, a channel, or a key or category with a channel',
        path,
      )
    }
    if (names.some((name) => name.trim() === '')) throw badInput('A preference names something blank', path)
    if (names.some((name) => name.length > MAX_ID_LENGTH))
      throw badInput(`A name is longer than ${MAX_ID_LENGTH} characters`, path)
    const fault = jsonFault(names, path)
    if (fault) throw badInput(`A name ${fault.message}`, path)
    changes.set(
      JSON.stringify(names.length > 0 ? [change.notificationKey, change.category, change.channel] : []),
      change,
    )
  }
  const statement = setPreferences(recipient, [...changes.values()], clock.now())
  await asTenant(db.tenant, recipient.tenantId, async (tx) => {
    // Those who come by a link alone may come to a tenant that is being removed, or is gone.
    const known = await tx.query(holdTenants(recipient.tenantId))
    if (known.length === 0) return
    // The recipient's lock, as of whatever changes something of a recipient: two calls cannot wait for each other.
    await lockOneInbox(tx, recipient)
    await tx.query(statement)
    const [stored] = await tx.query<{ count: number }>(countPreferences(recipient))
    if ((stored?.count ?? 0) > MAX_PREFERENCES) {
      throw badInput(`A recipient has at most ${MAX_PREFERENCES} preferences`, ['input', 'preferences'])
    }
  })
  const set = [...changes.values()].filter(({ enabled }) => enabled !== null)
  watchSettingNames(recipient.tenantId, {
    notificationKey: set.map(({ notificationKey }) => notificationKey),
    category: set.map(({ category }) => category),
    channel: set.map(({ channel }) => channel),
  })
}

export interface EffectivePreference<P extends Preference> {
  readonly notificationKey: string
  readonly category: string | null
  readonly channel: string
  readonly enabled: boolean
  readonly locked: boolean
  readonly decidedBy: P | null
}

/** What applies now for every known notifier and channel, and which preference says so. */
export const effectivePreferences = <P extends Preference>(
  { notifiers }: Pick<Capabilities, 'notifiers'>,
  preferences: readonly P[],
): readonly EffectivePreference<P>[] =>
  [...notifiers.values()].flatMap((definition) =>
    [...channelsOf(definition)].sort().map((channel) => {
      const subject = { notificationKey: definition.key, category: definition.category ?? null, channel }
      const locked = definition.required ?? false
      const decider = locked ? undefined : preferencesFor(preferences, subject)[0]?.preference
      return { ...subject, enabled: decider?.enabled ?? true, locked, decidedBy: decider ?? null }
    }),
  )
