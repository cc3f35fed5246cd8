import type { Checkpoint } from './decision.ts'
import type { CountedCap } from './delivery-cap.ts'
import type { DigestMatch } from './digest-bucket.ts'
import type { Preference } from './preference.ts'
import type { QuietHours } from './quiet-hours.ts'

/** Whose zone quiet hours are in: the first of these that is set. */
export const ZONE_SOURCES = ['policy', 'recipient', 'default', 'utc'] as const
export type ZoneSource = (typeof ZONE_SOURCES)[number]

export interface ZoneChoice {
  /** IANA zone name. */
  readonly timeZone: string
  readonly zoneFrom: ZoneSource
}

/** The zone of a recipient's quiet hours. */
export const chooseZone = (
  zones: Readonly<Record<Exclude<ZoneSource, 'utc'>, string | null | undefined>>,
): ZoneChoice => {
  for (const zoneFrom of ['policy', 'recipient', 'default'] as const) {
    const timeZone = zones[zoneFrom]
    if (timeZone) return { timeZone, zoneFrom }
  }
  return { timeZone: 'UTC', zoneFrom: 'utc' }
}

/** All that the planner may know of one delivery: no payload, no address, no content. */
export interface PlanFacts {
  readonly checkpoint: Checkpoint
  readonly notificationKey: string
  readonly category: string | null
  readonly channel: string
  /** The recipient cannot switch it off, and no cap holds it. */
  readonly required: boolean
  /** It ignores quiet hours. */
  readonly urgent: boolean
  /** An operator let it go on: quiet hours and fallback delays hold it no more. */
  readonly released: boolean
  readonly expiresAt: Date | null
  /** All that the recipient has set. */
  readonly preferences: readonly Preference[]
  /** Whether the channel needs an address, how many usable ones the recipient has, and how many that bounced. */
  readonly addresses: { readonly needed: boolean; readonly usable: number; readonly bounced: number }
  /** For a channel that is sent only if the notification stays unread: when its delay is over. `null` for the others. */
  readonly fallback: { readonly until: Date } | null
  /** Whether the notification has been read or archived; asked at the perform checkpoint, of fallback channels and of members of a digest. */
  readonly read: boolean
  /** For a channel that asks for a digest, while it is planned: which rule holds it, `no_rule` where none does. `null` for the others. */
  readonly digest: DigestMatch | 'no_rule' | null
  /** For a member of a digest that is about to close; `null` for the others. */
  readonly member: { readonly excludeRead: boolean } | null
  /** The recipient's caps, with the earlier deliveries that each counts. */
  readonly caps: readonly CountedCap[]
  /** The recipient's quiet hours, of all channels, and their zone. */
  readonly quietHours: readonly QuietHours[]
  readonly zone: ZoneChoice
}
