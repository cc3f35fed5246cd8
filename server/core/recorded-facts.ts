import type { RuleAnswer } from './decision.ts'
import type { CountedCap, DeliveryCap } from './delivery-cap.ts'
import type { DigestMatch } from './digest-bucket.ts'
import type { StoredDecision } from './explanation.ts'
import type { PlanFacts, ZoneChoice } from './plan-facts.ts'
import type { Preference, PreferenceLevel, PreferenceSubject } from './preference.ts'
import type { QuietHours } from './quiet-hours.ts'

type Seen = RuleAnswer['facts']

/** A preference as it is set, out of which combination it names. */
export const preferenceOf = (
  level: PreferenceLevel,
  { notificationKey, category, channel }: PreferenceSubject,
): Omit<Preference, 'enabled'> => ({
  notificationKey: level === 'key_channel' || level === 'key' ? notificationKey : null,
  category: level === 'category_channel' || level === 'category' ? category : null,
  channel: level === 'key' || level === 'category' ? null : channel,
})

const preferencesIn = (seen: Seen, subject: PreferenceSubject): readonly Preference[] =>
  typeof seen['preference'] === 'string'
    ? [{ ...preferenceOf(seen['preference'] as PreferenceLevel, subject), enabled: seen['enabled'] as boolean }]
    : []

type SeenCap = DeliveryCap & { readonly count: number; readonly freesAt?: string }

/**
 * A cap's answer tells how many deliveries it counted, and when the one leaves its window whose place is free next. The
 * others are put where they change neither: the newer ones at the decision's instant, the older ones beside that one.
 */
const countedCap = ({ count, freesAt, ...cap }: SeenCap, at: Date): CountedCap => {
  const leaving = freesAt === undefined ? at : new Date(Date.parse(freesAt) - cap.windowMinutes * 60_000)
  return {
    cap,
    counted: Array.from({ length: count }, (_, index) => ({
      id: `${index}`,
      at: index < cap.limit - 1 ? at : leaving,
    })),
  }
}

const capsIn = (seen: Seen, at: Date): readonly CountedCap[] =>
  ((seen['caps'] ?? []) as readonly SeenCap[]).map((cap) => countedCap(cap, at))

const UTC: ZoneChoice = { timeZone: 'UTC', zoneFrom: 'utc' }

const zoneIn = ({ timeZone, zoneFrom }: Seen): ZoneChoice =>
  typeof timeZone === 'string' ? { timeZone, zoneFrom: zoneFrom as ZoneChoice['zoneFrom'] } : UTC

const dateIn = (value: unknown): Date | null => (typeof value === 'string' ? new Date(value) : null)

/** At the perform checkpoint a delay is over; while planning it is what its rule saw. */
const fallbackIn = ({ fallback, readState }: { fallback: Seen; readState: Seen }, at: Date): PlanFacts['fallback'] => {
  if (readState['fallback'] === true) return { until: at }
  const until = dateIn(fallback['until']) ?? (fallback['released'] ? at : null)
  return until && { until }
}

const digestIn = (seen: Seen): PlanFacts['digest'] => {
  if (seen['no_digest_rule'] === true) return 'no_rule'
  const { windowStartsAt, windowEndsAt, ...match } = seen
  if (typeof windowStartsAt !== 'string' || typeof windowEndsAt !== 'string') return null
  return {
    ...(match as Pick<DigestMatch, 'ruleIdentity' | 'groupBy' | 'timeZone'>),
    windowStartsAt: new Date(windowStartsAt),
    windowEndsAt: new Date(windowEndsAt),
  }
}

/**
 * What the planner was told, out of what its rules recorded: what no rule looked at is left out, so the same planner
 * gives the same answer.
 */
export const recordedFacts = (
  { checkpoint, at, answers }: StoredDecision,
  { notificationKey, category, channel }: PreferenceSubject,
): PlanFacts => {
  const subject = { notificationKey, category, channel }
  const seenBy = (rule: string): Seen => answers.find((answer) => answer.rule === rule)?.facts ?? {}
  const byKey = seenBy('notification_preference')
  const address = seenBy('address')
  const readState = seenBy('read_state')
  const quietHours = seenBy('quiet_hours')
  const fallback = seenBy('fallback')
  // An address is a matter of the digest that it goes into.
  const isMember = checkpoint === 'perform' && !answers.some(({ rule }) => rule === 'address')
  return {
    ...subject,
    checkpoint,
    required: byKey['required'] === true,
    urgent: quietHours['urgent'] === true,
    released: quietHours['released'] !== undefined || fallback['released'] !== undefined,
    expiresAt: dateIn(seenBy('expiry')['expiresAt']),
    preferences: [...preferencesIn(byKey, subject), ...preferencesIn(seenBy('category_preference'), subject)],
    addresses: {
      needed: address['needed'] === true,
      usable: (address['addresses'] ?? 0) as number,
      bounced: (address['bounced'] ?? 0) as number,
    },
    fallback: fallbackIn({ fallback, readState }, at),
    read: readState['read'] === true,
    digest: digestIn(seenBy('digest')),
    member: isMember ? { excludeRead: readState['excludeRead'] === true } : null,
    caps: capsIn(seenBy('delivery_cap'), at),
    quietHours: (quietHours['windows'] ?? []) as readonly QuietHours[],
    zone: zoneIn(quietHours),
  }
}
