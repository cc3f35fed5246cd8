/** What a recipient switched on or off. `null` stands for "any". */
export interface Preference {
  readonly notificationKey: string | null
  readonly category: string | null
  readonly channel: string | null
  readonly enabled: boolean
}

/** What a preference is asked about. */
export interface PreferenceSubject {
  readonly notificationKey: string
  readonly category: string | null
  readonly channel: string
}

/** The combinations that a preference may name, the most specific first; the first of them that is set decides. */
const LEVELS = ['key_channel', 'key', 'category_channel', 'category', 'channel'] as const
export type PreferenceLevel = (typeof LEVELS)[number]

/** Which combination a preference names; `null` where it is none of those allowed. */
export const levelOf = (named: Omit<Preference, 'enabled'>): PreferenceLevel | null => {
  const key = named.notificationKey !== null
  const category = named.category !== null
  const channel = named.channel !== null
  if (key) return category ? null : channel ? 'key_channel' : 'key'
  if (category) return channel ? 'category_channel' : 'category'
  return channel ? 'channel' : null
}

const applies = (preference: Preference, subject: PreferenceSubject): boolean =>
  (preference.notificationKey === null || preference.notificationKey === subject.notificationKey) &&
  (preference.category === null || preference.category === subject.category) &&
  (preference.channel === null || preference.channel === subject.channel)

/** Those of a recipient's preferences that concern a subject, the most specific first. */
export const preferencesFor = <P extends Preference>(
  preferences: readonly P[],
  subject: PreferenceSubject,
): readonly { readonly level: PreferenceLevel; readonly preference: P }[] => {
  const found: { level: PreferenceLevel; preference: P }[] = []
  for (const preference of preferences) {
    const level = levelOf(preference)
    if (level !== null && applies(preference, subject)) found.push({ level, preference })
  }
  return found.sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level))
}
