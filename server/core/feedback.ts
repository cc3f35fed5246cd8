import type { AttemptOutcome, DeliveryStatus, OrchestrationState } from './delivery.ts'
import type { ReasonCode } from './reasons.ts'
import { type RetryPolicy, retryDelayMs } from './retry.ts'
import { type AddressEnd, addressEnd, type ErrorClass } from './settlement.ts'

/*
 * What a provider reports later of what it was handed, or of what nobody could record that it was:
 *
 *   delivered    pending, dispatched, failed ──► succeeded
 *   failed       pending, dispatched ──► failed (what failed is to be tried again anyway)
 *   bounced      all but suppressed and digested ──► cancelled
 *   complained   marks the address alone
 *
 * Everything else is written down and moves nothing. Of several addresses each has its own end, and a report about one
 * moves the delivery only when no other is left to be tried; one that may be about any of them, only where it arrived.
 * The order in which reports come in does not change where a delivery ends.
 */

export const FEEDBACK_STATUSES = ['delivered', 'bounced', 'failed', 'complained'] as const
export type FeedbackStatus = (typeof FEEDBACK_STATUSES)[number]

/** What an attempt says of a report. A complaint is the recipient's refusal, so it stands as one; each has its own outcome. */
export const ATTEMPT_OF: Readonly<
  Record<FeedbackStatus, { readonly outcome: AttemptOutcome; readonly errorClass: ErrorClass | null }>
> = {
  delivered: { outcome: 'succeeded', errorClass: null },
  bounced: { outcome: 'bounced', errorClass: 'bounced' },
  failed: { outcome: 'failed', errorClass: 'temporary' },
  complained: { outcome: 'rejected', errorClass: 'permanent' },
}

/** What was reported, by the outcome of its attempt. */
export const reportedBy = (outcome: AttemptOutcome): FeedbackStatus | null =>
  FEEDBACK_STATUSES.find((status) => ATTEMPT_OF[status].outcome === outcome) ?? null

/** One attempt at an address: a call, or a report of its provider. */
export interface Tried {
  readonly key: string | null
  readonly outcome: AttemptOutcome
  readonly source: 'call' | 'feedback'
}

/**
 * How it stands with an address by its calls and what was reported of it; `null` where it is to be called. Of reports
 * the weightiest counts and not the last, for they come in any order: what had been accepted may bounce.
 */
export const endOf = (tried: readonly Tried[]): AddressEnd | null => {
  const reported = (outcome: AttemptOutcome) =>
    tried.some((one) => one.source === 'feedback' && one.outcome === outcome)
  if (reported('bounced')) return 'bounced'
  const called = addressEnd(tried.filter(({ source }) => source === 'call').map(({ outcome }) => outcome))
  return called ?? (reported('succeeded') ? 'accepted' : null)
}

/**
 * Which address a report is about that does not say so; `null` where it may be several. Told by calls alone: they are what
 * they are, in whatever order reports come.
 */
export const addressOfReport = ({
  tried,
  owned,
  hangs,
  named,
}: {
  readonly tried: readonly Tried[]
  /** The addresses that the recipient has for the channel. */
  readonly owned: readonly string[]
  /** Whether there was a call of which nobody wrote down where it went, for its worker died. */
  readonly hangs: boolean
  /** Whether it names a message that nobody wrote down, and the ids of all that was accepted were. */
  readonly named: boolean
}): string | null => {
  const calls = tried.filter(({ source }) => source === 'call')
  const called = calls.flatMap(({ key }) => key ?? [])
  const isUnsure = called.length === 0 || hangs || calls.some(({ key }) => key === null)
  const possible = [...new Set(isUnsure ? [...called, ...owned] : called)]
  if (possible.length === 1) return possible[0] ?? null
  const left = possible.filter((key) => {
    const end = addressEnd(calls.filter((one) => one.key === key).map(({ outcome }) => outcome))
    return end === null || (end === 'accepted' && !named)
  })
  return left.length === 1 ? (left[0] ?? null) : null
}

/** A delivery as it stands when a report on it is carried out. */
export interface ReportedDelivery {
  readonly status: DeliveryStatus
  readonly orchestrationState: OrchestrationState
  readonly suppressionReason: string | null
  /** A call is under way: its worker has its lease, and has not recorded an answer. */
  readonly underWay: boolean
  /** Tries that count so far, one whose worker died in mid-call among them. */
  readonly tries: number
  /** Since it was last begun anew. */
  readonly tried: readonly Tried[]
  /** How many addresses the recipient has for the channel. */
  readonly addresses: number
}

export interface Report {
  readonly status: FeedbackStatus
  /** Which address it is about; `null` where the channel has none, or it cannot be told. */
  readonly addressKey: string | null
}

/** Where a report moves its delivery. */
export interface FeedbackChange {
  readonly status: 'succeeded' | 'failed' | 'cancelled'
  readonly suppressionReason: ReasonCode | null
  /** How long until the next try; `null` where there is none. */
  readonly retryInMs: number | null
}

/** `wait`: what it comes to depends on the answer of a call that is under way. `null`: it moves nothing. */
export type FeedbackVerdict = FeedbackChange | 'wait' | null

interface Standing {
  /** Of the address that it is about; `null` where it may still be called. */
  readonly own: AddressEnd | null
  readonly others: readonly (AddressEnd | null)[]
  /** There are several, and it cannot be told which. */
  readonly untold: boolean
}

const standingOf = ({ tried, addresses }: ReportedDelivery, { addressKey }: Report): Standing => {
  const at = (key: string | null): readonly Tried[] => tried.filter((one) => one.key === key)
  const others = [...new Set(tried.flatMap(({ key }) => key ?? []))].filter((key) => key !== addressKey)
  return {
    // Calls alone: they are what they are, in whatever order reports come.
    own: endOf(at(addressKey).filter(({ source }) => source === 'call')),
    others: others.map((key) => endOf(at(key))),
    untold: addressKey === null && (others.length > 0 || addresses > 1),
  }
}

/** Whether it may still be sent, or sent again. What a digest holds is sent by the digest alone. */
const isOpen = ({ status, orchestrationState }: ReportedDelivery): boolean =>
  status === 'failed' || status === 'dispatched' || (status === 'pending' && orchestrationState !== 'digest_held')

const SUCCEEDED: FeedbackChange = { status: 'succeeded', suppressionReason: null, retryInMs: null }

const delivered = (delivery: ReportedDelivery, { others, untold }: Standing): FeedbackChange | null => {
  if (!isOpen(delivery)) return null
  // Where it cannot be told which address got it, one copy is better than two.
  return untold || !others.includes(null) ? SUCCEEDED : null
}

const bounced = (delivery: ReportedDelivery, { others, untold }: Standing): FeedbackChange | null => {
  const { status, suppressionReason } = delivery
  if (status === 'suppressed' || status === 'digested' || untold || others.includes(null)) return null
  if (others.includes('accepted')) return isOpen(delivery) ? SUCCEEDED : null
  const all = others.every((end) => end === 'bounced')
  const cancelled: FeedbackChange = {
    status: 'cancelled',
    suppressionReason: all ? 'bounced' : 'permanent_failure',
    retryInMs: null,
  }
  if (status !== 'cancelled') return cancelled
  // That it bounced says more than why it was given up; but whom nobody may write to any more stays that.
  return all && suppressionReason !== 'bounced' && suppressionReason !== 'recipient_erased' ? cancelled : null
}

const failed = (
  delivery: ReportedDelivery,
  { own, untold }: Standing,
  { policy, random }: FeedbackOptions,
): FeedbackChange | null => {
  const { status, tries } = delivery
  // What failed waits for its next try already, and what an address has taken, or may have, is not sent to it again.
  if (!isOpen(delivery) || status === 'failed' || own !== null || untold) return null
  // A report is no try, so it uses none up: whether there is one left is for the queue to say.
  if (tries >= policy.attempts) return null
  const unlimited = { ...policy, attempts: Number.POSITIVE_INFINITY }
  return {
    status: 'failed',
    suppressionReason: null,
    retryInMs: retryDelayMs(unlimited, { tries: Math.max(1, tries), random }),
  }
}

export interface FeedbackOptions {
  readonly policy: RetryPolicy
  /** In `[0, 1)`. */
  readonly random: number
}

/** Decides where a report moves its delivery. */
export const decideFeedback = (
  report: Report,
  delivery: ReportedDelivery,
  options: FeedbackOptions,
): FeedbackVerdict => {
  if (report.status === 'complained') return null
  if (delivery.underWay && (report.status === 'failed' || delivery.addresses > 1)) return 'wait'
  const standing = standingOf(delivery, report)
  switch (report.status) {
    case 'delivered':
      return delivered(delivery, standing)
    case 'bounced':
      return bounced(delivery, standing)
    case 'failed':
      return failed(delivery, standing, options)
  }
}

/** Whether nothing more is to be sent to the address that a report is about. */
export const marksAddress = ({ status }: Report): boolean => status === 'bounced' || status === 'complained'
