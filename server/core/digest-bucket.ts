import { type DigestRule, type DigestSubject, MAX_DIGEST_ITEMS, matchDigestRule, ruleIdentity } from './digest-rule.ts'
import { endsAtAfter, windowFor, windowZone } from './digest-window.ts'

/*
 *   accepting ──► full, or its window is over ──► emitted        one digest is sent
 *       │                       │            └──► empty          nothing was left to send
 *       └───────────────────────┴─ an operator closes it
 */

/** A bucket of one recipient that takes members. */
export interface OpenBucket {
  readonly id: string
  readonly ruleId: string
  readonly channel: string
  readonly groupingValue: string
  readonly windowStartsAt: Date
  windowEndsAt: Date
  readonly firstItemAt: Date
  memberCount: number
}

/** A rule as it is stored. */
export interface StoredRule extends DigestRule {
  readonly id: string
}

/** What the planner is told of a rule that would hold a delivery; no key or value of the payload's. */
export interface DigestMatch {
  readonly ruleIdentity: string
  readonly groupBy: DigestRule['groupBy']
  readonly windowStartsAt: Date
  readonly windowEndsAt: Date
  /** Of a daily boundary's. */
  readonly timeZone?: string
}

/** A place in a bucket for one delivery, which it takes if the planner holds it. */
export interface DigestPlace {
  readonly match: DigestMatch
  readonly rule: StoredRule
  readonly groupingValue: string
  /** The bucket that it joins; `null` where it opens one. */
  readonly bucket: OpenBucket | null
  /** One that takes no more members: its window is over, and the new one follows it. */
  readonly follows: OpenBucket | null
}

/** How a bucket is found among its recipient's. */
export const bucketName = ({
  ruleId,
  channel,
  groupingValue,
}: Pick<OpenBucket, 'ruleId' | 'channel' | 'groupingValue'>) => `${ruleId}\n${channel}\n${groupingValue}`

/** Where a delivery that asks for a digest would be held now; `null` where no rule holds it. */
export const findPlace = (
  subject: DigestSubject,
  {
    rules,
    buckets,
    recipientZone,
    now,
  }: {
    readonly rules: readonly StoredRule[]
    /** The recipient's, by `bucketName`. */
    readonly buckets: ReadonlyMap<string, OpenBucket>
    readonly recipientZone: string
    readonly now: Date
  },
): DigestPlace | null => {
  const found = matchDigestRule(rules, subject)
  if (!found) return null
  const { rule, groupingValue } = found
  const { window } = rule
  const open = buckets.get(bucketName({ ruleId: rule.id, channel: subject.channel, groupingValue }))
  const bucket = open && now < open.windowEndsAt ? open : null
  const zone = windowZone(window, recipientZone)
  const { startsAt, endsAt } = bucket
    ? {
        startsAt: bucket.windowStartsAt,
        endsAt: endsAtAfter(window, { firstItemAt: bucket.firstItemAt, endsAt: bucket.windowEndsAt }, now),
      }
    : windowFor(window, now, zone)
  return {
    match: {
      ruleIdentity: ruleIdentity(rule),
      groupBy: rule.groupBy,
      windowStartsAt: startsAt,
      windowEndsAt: endsAt,
      ...(window.kind === 'boundary' && { timeZone: zone }),
    },
    rule,
    groupingValue,
    bucket,
    follows: bucket ? null : (open ?? null),
  }
}

/** Puts one more into a bucket, or into a new one; answers the bucket as it is then, and whether it is full. */
export const takePlace = (
  { match, rule, groupingValue, bucket }: DigestPlace,
  { now, newId }: { readonly now: Date; readonly newId: () => string },
): { readonly bucket: OpenBucket; readonly full: boolean } => {
  const taken: OpenBucket = bucket ?? {
    id: newId(),
    ruleId: rule.id,
    channel: rule.channel,
    groupingValue,
    windowStartsAt: match.windowStartsAt,
    windowEndsAt: match.windowEndsAt,
    firstItemAt: now,
    memberCount: 0,
  }
  taken.memberCount += 1
  taken.windowEndsAt = match.windowEndsAt
  return { bucket: taken, full: taken.memberCount >= (rule.maxItems ?? MAX_DIGEST_ITEMS) }
}
