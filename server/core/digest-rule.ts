/** By what a rule tells its buckets apart. */
export const DIGEST_GROUPINGS = ['notification_key', 'category', 'digest_key'] as const
export type DigestGrouping = (typeof DIGEST_GROUPINGS)[number]

/** How long a bucket of a rule stays open; minutes are whole ones. */
export type DigestWindow =
  /** Slots aligned to the epoch. */
  | { readonly kind: 'fixed'; readonly minutes: number }
  /** From a local time, `HH:MM`, to the next day's; in the recipient's zone where it names none. */
  | { readonly kind: 'boundary'; readonly time: string; readonly timeZone: string | null }
  /** `minutes` after the latest item, but no longer than `maxMinutes` after the first. */
  | { readonly kind: 'sliding'; readonly minutes: number; readonly maxMinutes: number }
export const DIGEST_WINDOW_KINDS = ['fixed', 'boundary', 'sliding'] as const satisfies DigestWindow['kind'][]

/** One version of a rule: which deliveries that ask for a digest it holds, and for how long. */
export interface DigestRule {
  readonly key: string
  readonly version: number
  readonly channel: string
  readonly matchNotificationKey: string | null
  readonly matchCategory: string | null
  readonly groupBy: DigestGrouping
  readonly window: DigestWindow
  /** A bucket closes as soon as it holds this many; `MAX_DIGEST_ITEMS` where `null`. */
  readonly maxItems: number | null
  /** Leaves out what was read before the digest closed. */
  readonly excludeRead: boolean
}

/** No bucket holds more: it keeps the transaction that closes it from growing without end. */
export const MAX_DIGEST_ITEMS = 10_000

/** How a rule is named where it decided. */
export const ruleIdentity = ({ key, version }: Pick<DigestRule, 'key' | 'version'>): string => `${key}:v${version}`

/** A delivery that asks for a digest. */
export interface DigestSubject {
  readonly channel: string
  readonly notificationKey: string
  readonly category: string | null
  /** The notifier's own key for it; `null` where it gives none. */
  readonly digestKey: string | null
}

const groupingValue = ({ groupBy }: DigestRule, subject: DigestSubject): string | null => {
  if (groupBy === 'digest_key') return subject.digestKey
  return groupBy === 'category' ? subject.category : subject.notificationKey
}

const fits = (rule: DigestRule, subject: DigestSubject): boolean =>
  rule.channel === subject.channel &&
  (rule.matchNotificationKey === null || rule.matchNotificationKey === subject.notificationKey) &&
  (rule.matchCategory === null || rule.matchCategory === subject.category)

/** The lower, the sooner: by digest key, then by notification key, then by category, then the whole channel. */
const rank = ({ groupBy, matchNotificationKey, matchCategory }: DigestRule): number =>
  (groupBy === 'digest_key' ? 0 : 4) + (matchNotificationKey === null ? 2 : 0) + (matchCategory === null ? 1 : 0)

/**
 * The rule that holds a delivery, and the value that its bucket is told apart by; `null` where none does. Of rules that
 * match alike the first given decides. A rule never holds what lacks the value that it groups by.
 */
export const matchDigestRule = <R extends DigestRule>(
  rules: readonly R[],
  subject: DigestSubject,
): { readonly rule: R; readonly groupingValue: string } | null => {
  let found: { readonly rule: R; readonly groupingValue: string } | null = null
  for (const rule of rules) {
    if (!fits(rule, subject) || (found && rank(found.rule) <= rank(rule))) continue
    const value = groupingValue(rule, subject)
    if (value !== null) found = { rule, groupingValue: value }
  }
  return found
}

/** A rule as a configuration gives it. */
export interface DigestRuleDefinition {
  key: string
  version: number
  channel: string
  matchNotificationKey?: string
  matchCategory?: string
  groupBy: 'notification_key' | 'category' | 'digest_key'
  window:
    | { kind: 'fixed'; minutes: number }
    | { kind: 'boundary'; time: string; timeZone?: string }
    | { kind: 'sliding'; minutes: number; maxMinutes: number }
  maxItems?: number
  /** Leave out what was read before the digest closed. */
  excludeRead?: boolean
}
