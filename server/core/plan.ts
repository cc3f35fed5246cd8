import { type Preference, type PreferenceLevel, preferencesFor } from './preference.ts'
import type { ReasonCode } from './reasons.ts'

/** When the planner is asked: when a delivery is made, and once more just before it is handed over. */
export const CHECKPOINTS = ['planning', 'perform'] as const
export type Checkpoint = (typeof CHECKPOINTS)[number]

/** What a rule may say; the API's names in capitals. */
export const VERDICTS = ['pass', 'suppress', 'defer', 'digest', 'cancel'] as const
export type Verdict = (typeof VERDICTS)[number]

/** All that the planner may know of one delivery: no payload, no address, no content. */
export interface PlanFacts {
  readonly checkpoint: Checkpoint
  readonly notificationKey: string
  readonly category: string | null
  readonly channel: string
  /** The recipient cannot switch it off. */
  readonly required: boolean
  /** All that the recipient has set. */
  readonly preferences: readonly Preference[]
  /** Whether the channel needs an address, and how many the recipient has for it. */
  readonly needsAddress: boolean
  readonly addressCount: number
}

/** One rule's answer, kept as it is with what the rule saw. */
export interface RuleAnswer {
  readonly rule: string
  readonly verdict: Verdict
  readonly reason: ReasonCode | null
  readonly facts: Readonly<Record<string, unknown>>
}

/** The whole verdict about one delivery at one checkpoint. */
export interface Plan {
  readonly verdict: Verdict
  readonly reason: ReasonCode | null
  /** Every rule that was asked, in order, those that passed too. */
  readonly answers: readonly RuleAnswer[]
}

interface Rule {
  readonly rule: string
  readonly ask: (facts: PlanFacts) => Omit<RuleAnswer, 'rule'>
}

const pass = (facts: RuleAnswer['facts'] = {}): Omit<RuleAnswer, 'rule'> => ({ verdict: 'pass', reason: null, facts })

/**
 * The two preference rules share one order of precedence: the one that holds the most specific preference decides, the
 * other passes and says by what it was overridden.
 */
const preferenceRule =
  (levels: readonly PreferenceLevel[], reason: ReasonCode): Rule['ask'] =>
  (facts) => {
    if (facts.required) return pass({ required: true })
    const found = preferencesFor(facts.preferences, facts)
    const own = found.find(({ level }) => levels.includes(level))
    if (!own) return pass()
    const decider = found[0] as (typeof found)[number]
    const seen = { preference: own.level, enabled: own.preference.enabled }
    if (decider !== own) return pass({ ...seen, overriddenBy: decider.level })
    return own.preference.enabled ? pass(seen) : { verdict: 'suppress', reason, facts: seen }
  }

const address: Rule['ask'] = ({ needsAddress, addressCount }) => {
  if (!needsAddress) return pass({ needed: false })
  const facts = { needed: true, addresses: addressCount }
  return addressCount > 0 ? pass(facts) : { verdict: 'suppress', reason: 'missing_address', facts }
}

/** In the order in which they are asked, at both checkpoints. */
const RULES: readonly Rule[] = [
  { rule: 'notification_preference', ask: preferenceRule(['key_channel', 'key', 'channel'], 'channel_disabled') },
  { rule: 'category_preference', ask: preferenceRule(['category_channel', 'category'], 'category_disabled') },
  { rule: 'address', ask: address },
]

/**
 * Decides about one delivery. Every rule is asked, also after one has objected, so that an explanation shows all that
 * stands in the way. The first cancel or suppress in rule order is the verdict; with none, it passes.
 */
export const plan = (facts: PlanFacts): Plan => {
  const answers = RULES.map(({ rule, ask }) => ({ rule, ...ask(facts) }))
  const objection = answers.find(({ verdict }) => verdict === 'cancel' || verdict === 'suppress')
  return { verdict: objection?.verdict ?? 'pass', reason: objection?.reason ?? null, answers }
}
