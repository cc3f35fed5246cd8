/** At most `limit` deliveries in any stretch of `windowMinutes`, on a channel and in a category; on all where those are `null`. */
export interface DeliveryCap {
  readonly limit: number
  readonly windowMinutes: number
  readonly channel: string | null
  readonly category: string | null
}

/** What a cap is asked about. */
export interface CapSubject {
  readonly channel: string
  readonly category: string | null
}

/** A delivery that counts, at the instant at which it was handed over, or else is due. */
export interface CountedDelivery {
  readonly id: string
  readonly at: Date
}

/** A cap with the earlier deliveries of the recipient that it counts, in any order. */
export interface CountedCap {
  readonly cap: DeliveryCap
  readonly counted: readonly CountedDelivery[]
}

/** Whether a cap holds for a delivery, and counts it. In-app deliveries are concerned only where a cap names their channel. */
export const isCappedBy = (cap: DeliveryCap, { channel, category }: CapSubject): boolean =>
  (cap.channel === null ? channel !== 'in_app' : cap.channel === channel) &&
  (cap.category === null || cap.category === category)

/** How far a cap is used up at an instant, and when there is room again where it is reached. */
export const usageOf = (
  { cap, counted }: CountedCap,
  now: Date,
): { readonly count: number; readonly freesAt: Date | null } => {
  const windowMs = cap.windowMinutes * 60_000
  const within = counted
    .map(({ at }) => at.getTime())
    .filter((at) => at > now.getTime() - windowMs && at <= now.getTime())
    .sort((a, b) => b - a)
  const last = within[cap.limit - 1]
  return { count: within.length, freesAt: last === undefined ? null : new Date(last + windowMs) }
}
