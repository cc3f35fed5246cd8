import { type Result, type RuleAnswer, resultOf } from './decision.ts'
import { type StoredDecision, type Story, stoppedBy } from './explanation.ts'
import { plan } from './plan.ts'
import { type Change, type ChangeKind, changesOf } from './plan-changes.ts'
import type { PlanFacts } from './plan-facts.ts'
import type { PreferenceSubject } from './preference.ts'
import { recordedFacts } from './recorded-facts.ts'
import { listText, sentence } from './wording.ts'
import { describeInstant } from './zoned-time.ts'

/** What would have let a delivery be sent: one change, or the fewest that do together. */
export interface Counterfactual {
  /** Of several the dearest one's. */
  readonly kind: ChangeKind
  /** One sentence. */
  readonly description: string
  /** A list where it takes more than one change. */
  readonly change: unknown
}

/** What goes away by itself, as the end of a sentence. */
const GOES_AWAY: Readonly<Record<string, string>> = {
  delivery_cap: 'the cap has room again',
  quiet_hours: 'the quiet hours are over',
  fallback: "this fallback channel's delay is over",
  digest: 'its digest closes',
}

/** When a rule's objection is over by itself; `null` where it stays. */
const overAt = ({ rule, verdict, facts }: RuleAnswer): Date | null => {
  if (verdict === 'defer') return new Date(facts['until'] as string)
  if (verdict === 'digest') return new Date(facts['windowEndsAt'] as string)
  if (rule !== 'delivery_cap') return null
  const freed = (facts['caps'] as readonly { readonly freesAt?: string }[]).flatMap(({ freesAt }) => freesAt ?? [])
  return new Date(Math.max(...freed.map((instant) => Date.parse(instant))))
}

const objectionsOf = (answers: readonly RuleAnswer[]): readonly RuleAnswer[] =>
  answers.filter(({ verdict }) => verdict !== 'pass')

interface Waited {
  readonly until: Date
  /** The rules that were waited for. */
  readonly rules: ReadonlySet<string>
}

// Each round ends a window of quiet hours or frees a cap; settings hold few of either.
const MAX_ROUNDS = 200

/** The first instant at which the planner lets it pass by waiting alone; `null` where that never comes. */
const waitFor = (facts: PlanFacts, at: Date): Waited | null => {
  const rules = new Set<string>()
  let until = at
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const objections = objectionsOf(plan(facts, until).answers)
    if (objections.length === 0) return { until, rules }
    let latest = until.getTime()
    for (const objection of objections) {
      const over = overAt(objection)
      if (over === null) return null
      rules.add(objection.rule)
      latest = Math.max(latest, over.getTime())
    }
    if (latest <= until.getTime()) return null
    until = new Date(latest)
  }
  return null
}

const WAIT = 'wait'
type Candidate = Change | typeof WAIT

/** The rules whose objection a candidate takes away, if nothing else stands in the way of that. */
const takenAway = (
  candidate: Candidate,
  {
    facts,
    at,
    objections,
  }: { readonly facts: PlanFacts; readonly at: Date; readonly objections: readonly RuleAnswer[] },
): ReadonlySet<string> => {
  if (candidate === WAIT) {
    return new Set(objections.filter((objection) => overAt(objection) !== null).map(({ rule }) => rule))
  }
  const left = new Set(objectionsOf(plan(candidate.apply(facts), at).answers).map(({ rule }) => rule))
  return new Set(objections.map(({ rule }) => rule).filter((rule) => !left.has(rule)))
}

/** What a set of changes makes of facts: whether the planner passes, and after which wait. */
const tried = (
  set: readonly Candidate[],
  { facts, at }: { readonly facts: PlanFacts; readonly at: Date },
): { readonly waited: Waited | null } | null => {
  const changed = set.reduce((before, one) => (one === WAIT ? before : one.apply(before)), facts)
  if (!set.includes(WAIT)) return plan(changed, at).verdict === 'pass' ? { waited: null } : null
  const waited = waitFor(changed, at)
  return waited && { waited }
}

/** Every set of that size; first those whose dearest member is the cheapest. */
function* setsOf<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  if (size === 0) yield []
  for (let last = size - 1; size > 0 && last < list.length; last++) {
    for (const others of setsOf(list.slice(0, last), size - 1)) yield [...others, list[last] as T]
  }
}

const told = (
  set: readonly Candidate[],
  { facts, at, waited }: { readonly facts: PlanFacts; readonly at: Date; readonly waited: Waited | null },
): Counterfactual => {
  const parts = set.map((one) => {
    if (one !== WAIT) return one
    const { until, rules } = waited as Waited
    const reasons = listText([...rules].flatMap((rule) => GOES_AWAY[rule] ?? []))
    return {
      kind: WAIT,
      clause: `wait until ${describeInstant(until, facts.zone.timeZone, at)}, when ${reasons}`,
      change: { at: until.toISOString() },
    } as const
  })
  const changes = parts.map(({ change }) => change)
  return {
    kind: (parts.at(-1) as (typeof parts)[number]).kind,
    description: sentence(parts.map(({ clause }) => clause).join('; and ')),
    change: changes.length === 1 ? changes[0] : changes,
  }
}

const isSame = (a: Result, b: Result): boolean =>
  a.verdict === b.verdict && a.reason === b.reason && a.nextEligibleAt?.getTime() === b.nextEligibleAt?.getTime()

/**
 * The changes that would have made a decision let a delivery pass: each single one that does, the cheapest kind first;
 * where none does, one smallest set. Empty where it passed, or where today's planner would decide otherwise.
 */
export const counterfactualsOf = (decision: StoredDecision, subject: PreferenceSubject): readonly Counterfactual[] => {
  const { at, answers } = decision
  const facts = recordedFacts(decision, subject)
  const again = plan(facts, at)
  if (again.verdict === 'pass' || !isSame(again, resultOf(answers))) return []
  const objections = objectionsOf(again.answers)
  const candidates: readonly Candidate[] = [WAIT, ...changesOf(facts, at)]
  const taken = new Map(candidates.map((one) => [one, takenAway(one, { facts, at, objections })]))
  // Cheap to know, and the planner need not be asked about any other set.
  const answersAll = (set: readonly Candidate[]) =>
    objections.every(({ rule }) => set.some((one) => taken.get(one)?.has(rule)))
  for (let size = 1; size <= candidates.length; size++) {
    const found: Counterfactual[] = []
    for (const set of setsOf(candidates, size)) {
      const passed = answersAll(set) ? tried(set, { facts, at }) : null
      if (passed) found.push(told(set, { facts, at, ...passed }))
      if (passed && size > 1) break
    }
    if (found.length > 0) return found
  }
  return []
}

/** What would have let a delivery be sent that stands still by a decision of the planner's; empty for any other. */
export const whatWouldSendIt = (story: Pick<Story, 'delivery' | 'decisions'>): readonly Counterfactual[] => {
  const stopped = stoppedBy(story)
  return stopped ? counterfactualsOf(stopped.decision, story.delivery) : []
}
