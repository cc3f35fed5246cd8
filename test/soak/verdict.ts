import type { DatabaseSample } from './database.ts'
import { median, quantile, slope } from './figures.ts'
import type { OwnSample } from './protocol.ts'

export interface Sample extends OwnSample, DatabaseSample {
  /** Since the load began. */
  readonly minute: number
  readonly triggersMs: readonly number[]
  readonly triggers: number
}

/** What is promised, and whether it was kept. */
export interface Check {
  readonly promise: string
  readonly found: string
  readonly passed: boolean
}

/** What a run is held to. Speed is held to nothing where the machine may be busy with other things. */
export interface Bounds {
  /** How long it warms up, in minutes; a third of the run where that is longer. */
  readonly warmUpMinutes: number
  /** Of memory, by least squares: what the process has (`rss`), or what of its heap is used after a collection. */
  readonly memory: { readonly of: 'rss' | 'heapUsed'; readonly mbPerMinute: number }
  /** How much the median of handles and descriptors in the last third may exceed that in the one before it. */
  readonly handlesGrowth: number
  /** Of all rows; `null`: not held to, since autovacuum has not had its turn. */
  readonly deadShare: number | null
  readonly claimP95Ms: number | null
  /** How many requests, of as many as there are triggers, may be told to come again, since no connection came free. */
  readonly putOffShare: number
}

export const LONG: Bounds = {
  warmUpMinutes: 5,
  memory: { of: 'rss', mbPerMinute: 1 },
  handlesGrowth: 0.1,
  deadShare: 0.2,
  claimP95Ms: 20,
  putOffShare: 0.001,
}
/** For a minute on a machine of which nothing is known: what is counted is exact, what is measured has wide margins. */
export const SHORT: Bounds = {
  warmUpMinutes: 0,
  memory: { of: 'heapUsed', mbPerMinute: 40 },
  handlesGrowth: 0.5,
  deadShare: null,
  claimP95Ms: null,
  putOffShare: 0.5,
}

const MB = 1024 * 1024
const handleCount = ({ handles }: OwnSample): number => Object.values(handles).reduce((sum, count) => sum + count, 0)
const round = (value: number): string => value.toFixed(value < 10 ? 2 : 0)

const grows = (samples: readonly Sample[], what: (sample: Sample) => number) => {
  const half = Math.floor(samples.length / 2)
  const [before, after] = [median(samples.slice(0, half).map(what)), median(samples.slice(half).map(what))]
  return { before, after, by: before === 0 ? 0 : after / before - 1 }
}

/** Holds what was measured to its bounds. */
export const judge = (samples: readonly Sample[], bounds: Bounds): readonly Check[] => {
  const minutes = samples.at(-1)?.minute ?? 0
  const warm = samples.filter(({ minute }) => minute > Math.max(bounds.warmUpMinutes, minutes / 3))
  const growth = slope(warm.map((sample) => [sample.minute, sample[bounds.memory.of] / MB]))
  const handles = grows(warm, handleCount)
  const descriptors = grows(warm, (sample) => sample.descriptors)
  const dead = median(warm.map((sample) => sample.dead / Math.max(1, sample.dead + sample.live)))
  const claim = quantile(
    warm.flatMap(({ claimsMs }) => claimsMs),
    0.95,
  )
  const held = (bound: number | null, value: number): boolean => bound === null || value <= bound
  const unheld = (bound: number | null): string => (bound === null ? ' (not held to)' : '')
  return [
    {
      promise: `memory (${bounds.memory.of}) grows by at most ${bounds.memory.mbPerMinute} MB a minute once it is warm`,
      found: `${round(growth)} MB a minute`,
      passed: growth <= bounds.memory.mbPerMinute,
    },
    {
      promise: 'handles stay as many',
      found: `${handles.before}, then ${handles.after}`,
      passed: handles.by <= bounds.handlesGrowth,
    },
    {
      promise: 'open files and sockets stay as many',
      found: `${descriptors.before}, then ${descriptors.after}`,
      passed: descriptors.by <= bounds.handlesGrowth,
    },
    {
      promise: `at most ${100 * (bounds.deadShare ?? 1)} % of rows are dead${unheld(bounds.deadShare)}`,
      found: `${round(100 * dead)} %`,
      passed: held(bounds.deadShare, dead),
    },
    {
      promise: `95 % of claims take at most ${bounds.claimP95Ms ?? '…'} ms${unheld(bounds.claimP95Ms)}`,
      found: `${round(claim)} ms`,
      passed: held(bounds.claimP95Ms, claim),
    },
  ]
}

const COLUMNS: readonly (readonly [title: string, cell: (sample: Sample) => string])[] = [
  ['minute', ({ minute }) => minute.toFixed(1)],
  ['RSS MB', ({ rss }) => round(rss / MB)],
  ['heap MB', ({ heapUsed }) => round(heapUsed / MB)],
  ['handles', (sample) => String(handleCount(sample))],
  ['files', ({ descriptors }) => String(descriptors)],
  ['loop p99 ms', ({ loopDelayMs }) => round(loopDelayMs)],
  ['triggers', ({ triggers }) => String(triggers)],
  ['trigger p95 ms', ({ triggersMs }) => round(quantile(triggersMs, 0.95))],
  ['claim p95 ms', ({ claimsMs }) => round(quantile(claimsMs, 0.95))],
  ['queue age ms', ({ queueAgeMs }) => round(queueAgeMs)],
  ['connections', ({ connections }) => String(connections)],
  ['dead %', ({ dead, live }) => round((100 * dead) / Math.max(1, dead + live))],
  ['most dead', ({ worst: [first] }) => (first ? `${first.table} ${first.dead} of ${first.dead + first.live}` : '')],
]

/** So many samples of a run, evenly, as a Markdown table. */
export const tableOf = (samples: readonly Sample[], rows = 30): string => {
  const every = Math.max(1, Math.ceil(samples.length / rows))
  const shown = samples.filter((_, index) => index % every === 0 || index === samples.length - 1)
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(COLUMNS.map(([title]) => title)),
    line(COLUMNS.map(() => '--:')),
    ...shown.map((sample) => line(COLUMNS.map(([, cell]) => cell(sample)))),
  ].join('\n')
}
