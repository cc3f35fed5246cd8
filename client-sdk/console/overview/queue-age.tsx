import type { JSX } from 'react'
import { lengthWords } from '../instants.ts'

const WIDTH = 600
const HEIGHT = 40

/** How far behind the workers were at an instant. */
export interface Sample {
  readonly at: number
  readonly ageMs: number
}

/** How far the workers are behind, since this page was opened. */
export const QueueAge = ({ samples }: { readonly samples: readonly Sample[] }): JSX.Element => {
  const worst = Math.max(0, ...samples.map(({ ageMs }) => ageMs))
  const most = Math.max(1_000, worst)
  const first = samples[0]?.at ?? 0
  const span = Math.max(1, (samples.at(-1)?.at ?? 0) - first)
  const points = samples.map(
    ({ at, ageMs }) => `${((at - first) / span) * WIDTH},${HEIGHT - (ageMs / most) * (HEIGHT - 2) - 1}`,
  )
  const present = samples.at(-1)?.ageMs ?? 0
  return (
    <figure className="sparkline">
      {worst > 0 && samples.length > 1 ? (
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" className="chart">
          <polyline points={points.join(' ')} className="line" />
        </svg>
      ) : null}
      <p>
        {present === 0 ? 'Nothing is late.' : `The oldest is ${lengthWords(present)} late.`}
        {worst > present ? ` At its worst since this page was opened: ${lengthWords(worst)}.` : ''}
      </p>
    </figure>
  )
}
