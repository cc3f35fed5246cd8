import { type Result, type RuleAnswer, resultOf } from './decision.ts'
import type { CountedCap } from './delivery-cap.ts'
import { contextOf, type Story, stoppedBy } from './explanation.ts'
import { type FeedbackStatus, reportedBy } from './feedback.ts'
import type { ZoneChoice } from './plan-facts.ts'
import type { PreferenceLevel } from './preference.ts'
import { holding, type QuietHours } from './quiet-hours.ts'
import { REASONS, type ReasonCode } from './reasons.ts'
import { runClause } from './run-summary.ts'
import { countedText, countText, instantText, minutesText, windowsText } from './wording.ts'
import { describeInstant } from './zoned-time.ts'

/** What a sentence about a decision is made of, beside the decision. */
interface Told {
  readonly channel: string
  /** The instant that was decided for. */
  readonly at: Date | undefined
  /** `had` of what was decided, `has` of what would be. */
  readonly had: 'had' | 'has'
}

const SWITCHED_OFF: Readonly<Record<PreferenceLevel, (channel: string) => string>> = {
  key_channel: (channel) => `this notification on ${channel}`,
  key: () => 'this notification',
  category_channel: (channel) => `this category of notifications on ${channel}`,
  category: () => 'this category of notifications',
  channel: (channel) => `the channel ${channel}`,
}

const switchedOff = ({ facts }: RuleAnswer, { channel, had }: Told): string =>
  `the recipient ${had} switched ${SWITCHED_OFF[facts['preference'] as PreferenceLevel](channel)} off`

type FullCap = CountedCap['cap'] & { readonly count: number }

const capReached = ({ facts }: RuleAnswer, { had }: Told): string => {
  const full = (facts['caps'] as readonly FullCap[]).find(({ count, limit }) => count >= limit) as FullCap
  const { count, limit, windowMinutes } = full
  const used = count > limit ? `${count} of at most ${limit}` : `${count} of ${limit}`
  return `the recipient ${had} got ${used} ${countedText(full)} in the last ${minutesText(windowMinutes)}`
}

const bounced = ({ facts }: RuleAnswer, { channel, had }: Told): string => {
  const count = facts['bounced'] as number
  const addresses = count === 1 ? "the recipient's address" : `each of the recipient's ${count} addresses`
  return `${addresses} for ${channel} ${had} bounced`
}

const quiet = ({ facts }: RuleAnswer, { at }: Told): string => {
  const { windows, timeZone } = facts as unknown as ZoneChoice & { readonly windows: readonly QuietHours[] }
  const held = at ? holding(at, windows, timeZone) : []
  return `quiet hours ${windowsText(held.length > 0 ? held : windows)}`
}

/** Why, as a clause, by the reason of the rule that decided. */
const CLAUSES: Partial<Record<ReasonCode, (decidedBy: RuleAnswer, told: Told) => string>> = {
  channel_disabled: switchedOff,
  category_disabled: switchedOff,
  missing_address: (_, { channel, had }) => `the recipient ${had} no address for ${channel}`,
  address_bounced: bounced,
  already_read: (_, { had }) => `the notification ${had} already been read or archived`,
  delivery_cap_reached: capReached,
  quiet_hours: quiet,
  fallback_delay: () => 'it is sent only if the notification is still unread then',
  expired: ({ facts }) =>
    `it expired at ${instantText(new Date(facts['expiresAt'] as string))}, before it could be handed over`,
}

/** A reason's meaning as the end of a sentence, where no more is known. */
const meaning = (reason: string | null): string => {
  const known = Object.hasOwn(REASONS, reason ?? '') ? REASONS[reason as ReasonCode] : null
  return known ? `${known.charAt(0).toLowerCase()}${known.slice(1, -1)}` : (reason ?? 'the reason is not known')
}

const because = ({ decidedBy, reason }: Result, told: Told): string => {
  const clause = reason && CLAUSES[reason]
  return clause && decidedBy ? clause(decidedBy, told) : meaning(reason)
}

/** Until when, in the zone that was decided by, else in UTC. */
const untilOf = ({ nextEligibleAt, decidedBy }: Result, at: Date | undefined): string => {
  const zone = decidedBy?.facts['timeZone']
  return nextEligibleAt ? describeInstant(nextEligibleAt, typeof zone === 'string' ? zone : 'UTC', at) : 'later'
}

/** One sentence about what the planner would do, such as "It would not be sent: ...". With `at`, the instant that was decided for, dates are told where they differ. */
export const decisionSummary = (
  result: Result,
  { channel, at }: { readonly channel: string; readonly at?: Date },
): string => {
  const why = because(result, { channel, at, had: 'has' })
  switch (result.verdict) {
    case 'pass':
      return channel === 'in_app' ? 'It would arrive in the inbox at once.' : 'It would be sent at once.'
    case 'defer':
      return `It would ${result.reason === 'fallback_delay' ? 'wait' : 'be held'} until ${untilOf(result, at)}: ${why}.`
    case 'digest':
      return `It would be held for a digest until ${digestEnd(result, at)}.`
    case 'suppress':
    case 'cancel':
      return `It would not be sent: ${why}.`
  }
}

const HELD = { fallback_delay: 'Waits', other: 'Held' } as const

/** When a held one's digest closes, in the zone of its rule, else in UTC. */
const digestEnd = ({ decidedBy }: Result, at: Date | undefined): string => {
  const { windowEndsAt, timeZone } = decidedBy?.facts ?? {}
  if (typeof windowEndsAt !== 'string') return 'its window is over'
  return describeInstant(new Date(windowEndsAt), typeof timeZone === 'string' ? timeZone : 'UTC', at)
}

const held = ({ digest, delivery: { insertedAt } }: Story): string =>
  digest
    ? `Held for a digest by the rule ${digest.ruleIdentity}, which closes at ${describeInstant(digest.windowEndsAt, 'UTC', insertedAt)}.`
    : 'Held for a digest.'

const digested = ({ digest }: Story): string =>
  digest?.closedAt
    ? `Sent as part of a digest by the rule ${digest.ruleIdentity}, which closed at ${instantText(digest.closedAt)}.`
    : 'Sent as part of a digest.'

const pending = (story: Story): string => {
  const { delivery, decisions, transitions } = story
  const { channel, orchestrationState, planningReason, nextEligibleAt } = delivery
  if (orchestrationState === 'digest_held') return held(story)
  if (orchestrationState === 'deferred') {
    const held = HELD[planningReason === 'fallback_delay' ? planningReason : 'other']
    const stopped = stoppedBy({ delivery, decisions })
    if (!stopped)
      return `${held} until ${nextEligibleAt ? instantText(nextEligibleAt) : 'later'}: ${meaning(planningReason)}.`
    const { result, decision } = stopped
    return `${held} until ${untilOf(result, decision.at)}: ${because(result, { channel, at: decision.at, had: 'had' })}.`
  }
  const last = transitions.at(-1)
  const isReleased =
    (last?.event === 'resumed' || last?.event === 'retried') && contextOf(last)['source'] === 'operator'
  const asked = isReleased && last ? `an operator let it go on at ${instantText(last.at)}` : 'it is due'
  return `Waiting to be sent: ${asked}, and a worker will take it next.`
}

const callsOf = ({ attempts }: Story) => attempts.filter(({ source }) => source === 'call')

/** The provider's latest report that says so. */
const reportOf = ({ attempts }: Story, status: FeedbackStatus) =>
  attempts.findLast(({ source, outcome }) => source === 'feedback' && reportedBy(outcome) === status)

const wordsOf = (story: Story): string => {
  const last = callsOf(story).at(-1)
  if (!last?.reason) return ''
  return `; ${last.errorClass === 'render_failed' ? "the notifier's error" : "the provider's words"}: "${last.reason}"`
}

const dispatched = (story: Story): string => {
  const begun = story.decisions.findLast(({ checkpoint }) => checkpoint === 'perform')?.at
  const last = callsOf(story).at(-1)
  if (last?.outcome === 'unknown' && begun && last.insertedAt > begun) {
    return `Handed to the provider at ${instantText(begun)}, where a worker died before the answer was recorded: it stays as it is until an operator decides, or the provider reports.`
  }
  const since = begun ? ` since ${instantText(begun)}` : ''
  return `Being handed to the provider${since}; its answer has not been recorded yet.`
}

/** How many tries there were until then. A try makes several calls where there are several addresses or adapters. */
const triesOf = ({ decisions, attempts }: Story, until?: Date): number => {
  const begun = decisions.filter(({ checkpoint, at, answers }) => {
    return checkpoint === 'perform' && resultOf(answers).verdict === 'pass' && !(until && at > until)
  })
  return begun.length || attempts.filter(({ source }) => source === 'call').length
}

const succeeded = (story: Story): string => {
  const { delivery, attempts } = story
  // Of several addresses another may have refused it later.
  const last = callsOf(story).findLast(({ outcome }) => outcome === 'succeeded') ?? attempts.at(-1)
  const at = last ? ` at ${instantText(last.insertedAt)}` : ''
  if (delivery.channel === 'in_app') return `Arrived in the inbox${at}.`
  const unknown = attempts.filter(({ outcome }) => outcome === 'unknown').length
  const repeated =
    unknown > 0
      ? `; a worker died in mid-call before (${countText(unknown, 'try', 'tries')}), so the provider may have seen it more than once, each time under the same idempotency key`
      : ''
  const arrived = reportOf(story, 'delivered')
  if (last?.source === 'feedback') {
    return `Sent by ${last.adapter}, whose provider reported${arrived ? ` at ${instantText(arrived.insertedAt)}` : ''} that it arrived${repeated}${complaintIn(story)}.`
  }
  const heard = arrived ? `; its provider reported at ${instantText(arrived.insertedAt)} that it arrived` : ''
  return `Sent${at} by ${last?.adapter ?? 'its adapter'}, on try ${triesOf(story, last?.insertedAt) || 1}${repeated}${heard}${complaintIn(story)}.`
}

const complaintIn = (story: Story): string => {
  const complaint = reportOf(story, 'complained')
  return complaint ? `; the recipient complained about it at ${instantText(complaint.insertedAt)}` : ''
}

const failed = (story: Story): string => {
  const { nextAttemptAt, putOffBy } = story.delivery
  if (putOffBy === 'breaker') {
    const until = nextAttemptAt ? instantText(nextAttemptAt) : 'later'
    return `Waits until ${until}: its provider failed again and again, and is left alone until then.`
  }
  const next = nextAttemptAt ? `: the next one is due at ${instantText(nextAttemptAt)}` : ''
  const tries = triesOf(story)
  return `Failed for now after ${countText(tries, 'try', 'tries')}${next}${wordsOf(story)}.`
}

const isEnd = (event: string): boolean =>
  event === 'suppressed' || event === 'cancelled' || event === 'event_cancelled' || event === 'expired'

/** What stopped one that the planner did not stop, as a clause. */
const stopped = (story: Story): string => {
  const { delivery, transitions } = story
  const { channel, suppressionReason } = delivery
  const end = transitions.findLast(({ event }) => isEnd(event))
  const at = ` at ${instantText(end?.at ?? delivery.insertedAt)}`
  switch (suppressionReason as ReasonCode | null) {
    case 'retries_exhausted': {
      const last = callsOf(story).at(-1)
      const what =
        last?.errorClass === 'render_failed' ? 'its content could not be made' : 'the provider could not take it'
      return `${what} in ${countText(triesOf(story), 'try', 'tries')}, and all tries were used up${at}${wordsOf(story)}`
    }
    case 'permanent_failure':
      return `the provider refused it for good${at}${wordsOf(story)}`
    case 'bounced':
      if (end && contextOf(end)['source'] === 'feedback') return `the provider reported${at} that it bounced`
      return `the provider said${at} that the address does not exist or takes no messages${wordsOf(story)}`
    case 'event_cancelled':
      return `its event was cancelled${at}, before this was handed to a provider`
    case 'cancelled_by_operator': {
      const words = end && contextOf(end)['words']
      return `an operator cancelled it${at}${typeof words === 'string' && words !== '' ? `: "${words}"` : ''}`
    }
    case 'planning_failed':
      return `the notifier's own code failed for this recipient, time and again, and was given up${at}`
    case 'channel_not_selected':
      return `the notifier's code did not choose ${channel} for this recipient`
    case 'recipient_erased':
      return `the recipient's data was erased${at}`
    default:
      return meaning(suppressionReason)
  }
}

const notSent = (story: Story): string => {
  const decided = stoppedBy(story)
  if (!decided) return `Not sent: ${stopped(story)}.`
  const { decision, result } = decided
  const why = because(result, { channel: story.delivery.channel, at: decision.at, had: 'had' })
  // What expired names the instant that mattered.
  const when = result.verdict === 'cancel' ? '' : ` (decided at ${instantText(decision.at)})`
  return `Not sent: ${why}${when}.`
}

/** What a digest's own delivery is, as a clause; `null` for any other. */
const digestClause = ({ digest }: Story): string | null =>
  digest?.outcome === 'emitted_digest' ? `it is a digest by the rule ${digest.ruleIdentity}` : null

/** That what came into the inbox is there no more; '' where it is. */
const prunedClause = ({ delivery, notification: { prunedAt } }: Story): string =>
  delivery.channel === 'in_app' && delivery.status === 'succeeded' && prunedAt
    ? ` It was taken out of the inbox for its age at ${instantText(prunedAt)}.`
    : ''

/** One sentence that a support person can read out, made of what was stored. */
export const summaryOf = (story: Story): string => {
  const { erasedAt } = story.notification
  // Where it was cancelled for that, the sentence says so itself.
  const said = erasedAt === null || story.delivery.suppressionReason === 'recipient_erased'
  const clause = runClause(story) ?? digestClause(story)
  const told = clause === null ? becomeOf(story) : `${becomeOf(story).replace(/\.$/, '')}; ${clause}.`
  return `${told}${prunedClause(story)}${said ? '' : ` The recipient's data was erased at ${instantText(erasedAt)}.`}`
}

const becomeOf = (story: Story): string => {
  switch (story.delivery.status) {
    case 'pending':
      return pending(story)
    case 'dispatched':
      return dispatched(story)
    case 'succeeded':
      return succeeded(story)
    case 'failed':
      return failed(story)
    case 'suppressed':
    case 'cancelled':
      return notSent(story)
    case 'digested':
      return digested(story)
  }
}
