import type { DeliveryOutcome } from '../generated/operations.ts'

/** What outcomes are drawn as: more than four tones nobody tells apart. */
export const GROUPS = [
  { group: 'sent', words: 'sent', outcomes: ['SENT', 'DIGESTED'] },
  { group: 'waiting', words: 'waiting', outcomes: ['PENDING', 'DELAYED'] },
  { group: 'stopped', words: 'stopped by a rule', outcomes: ['SUPPRESSED'] },
  { group: 'failed', words: 'failing or given up', outcomes: ['FAILED', 'EXHAUSTED', 'CANCELLED'] },
] as const satisfies readonly {
  readonly group: string
  readonly words: string
  readonly outcomes: readonly DeliveryOutcome[]
}[]
export type Group = (typeof GROUPS)[number]['group']

interface Count {
  readonly outcome: DeliveryOutcome
  readonly count: number
}

export const addUp = (counts: readonly Count[]): number => counts.reduce((sum, { count }) => sum + count, 0)

/** How many deliveries each group has. */
export const groupsOf = (counts: readonly Count[]): Readonly<Record<Group, number>> =>
  Object.fromEntries(
    GROUPS.map(({ group, outcomes }) => [
      group,
      addUp(counts.filter(({ outcome }) => (outcomes as readonly DeliveryOutcome[]).includes(outcome))),
    ]),
  ) as Record<Group, number>
