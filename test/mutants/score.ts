import type { MutantResult } from '@stryker-mutator/api/core'

/** How many of a group's mutants must be killed, in per cent. */
export const MUST_BE_KILLED = 85

/** How a mutant ended, as far as it is counted. */
export type Ended = Pick<MutantResult, 'status'>

/** How a group's mutants ended. */
export interface Score {
  readonly name: string
  readonly killed: number
  readonly timedOut: number
  readonly survived: number
  readonly uncovered: number
  /** Of all of them. */
  readonly percent: number
}

/** Counts a group's mutants by how they ended; those that do not compile, or were left out, are none. */
export const scoreOf = (name: string, results: readonly Ended[]): Score => {
  const count = (status: MutantResult['status']): number => results.filter((result) => result.status === status).length
  const [killed, timedOut, survived, uncovered] = [
    count('Killed'),
    count('Timeout'),
    count('Survived'),
    count('NoCoverage'),
  ]
  const all = killed + timedOut + survived + uncovered
  return { name, killed, timedOut, survived, uncovered, percent: all === 0 ? 0 : (100 * (killed + timedOut)) / all }
}

/** The scores as Markdown. */
export const tableOf = (scores: readonly Score[]): string =>
  [
    '| group | mutants | killed | timed out | survived | not covered | score % |',
    '| --- | --: | --: | --: | --: | --: | --: |',
    ...scores.map(
      ({ name, killed, timedOut, survived, uncovered, percent }) =>
        `| ${name} | ${killed + timedOut + survived + uncovered} | ${killed} | ${timedOut} | ${survived} | ${uncovered} | ${percent.toFixed(1)} |`,
    ),
  ].join('\n')
