import { type Checkpoint, type Result, type RuleAnswer, resultOf } from './decision.ts'
import type { PlanFacts } from './plan-facts.ts'
import { address } from './rules/address.ts'
import { deliveryCap } from './rules/delivery-cap.ts'
import { digest } from './rules/digest.ts'
import { expiry } from './rules/expiry.ts'
import { fallback } from './rules/fallback.ts'
import { categoryPreference, notificationPreference } from './rules/preferences.ts'
import { quietHours } from './rules/quiet-hours.ts'
import { readState } from './rules/read-state.ts'
import type { Ask } from './rules/rule.ts'

/** The whole verdict about one delivery at one checkpoint. */
export interface Plan extends Result {
  /** Every rule that was asked, in order, those that passed too. */
  readonly answers: readonly RuleAnswer[]
}

interface Rule {
  readonly rule: string
  readonly ask: Ask
  /** Asked at one checkpoint alone; at both where left out. */
  readonly at?: Checkpoint
  /** Asked of the digest alone, and so not of its members when it closes, nor of what it holds. */
  readonly ofDigest?: 'not_members' | 'not_held'
}

/** In the order in which they are asked. */
const RULES: readonly Rule[] = [
  { rule: 'expiry', ask: expiry },
  { rule: 'notification_preference', ask: notificationPreference },
  { rule: 'category_preference', ask: categoryPreference },
  { rule: 'address', ask: address, ofDigest: 'not_members' },
  { rule: 'read_state', ask: readState, at: 'perform' },
  { rule: 'digest', ask: digest, at: 'planning' },
  { rule: 'delivery_cap', ask: deliveryCap, ofDigest: 'not_held' },
  { rule: 'quiet_hours', ask: quietHours, ofDigest: 'not_held' },
  { rule: 'fallback', ask: fallback, at: 'planning' },
]

/**
 * Decides about one delivery at an instant. Every rule of the checkpoint is asked, also after one has objected, so that
 * an explanation shows all that stands in the way.
 */
export const plan = (facts: PlanFacts, now: Date): Plan => {
  const answers: RuleAnswer[] = []
  let held = false
  for (const { rule, ask, at, ofDigest } of RULES) {
    if (at !== undefined && at !== facts.checkpoint) continue
    if (ofDigest && (facts.member || (held && ofDigest === 'not_held'))) continue
    const answer = ask(facts, now)
    held ||= answer.verdict === 'digest'
    answers.push({ rule, ...answer })
  }
  return { ...resultOf(answers), answers }
}
