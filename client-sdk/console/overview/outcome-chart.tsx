import type { JSX } from 'react'
import type { OverviewQuery } from '../generated/operations.ts'
import { localTime } from '../instants.ts'
import { addUp, GROUPS, type Group, groupsOf } from './groups.ts'

type Period = OverviewQuery['outcomeHistory'][number]

const WIDTH = 600
const HEIGHT = 120

interface Bar {
  readonly group: Group
  readonly top: number
  readonly height: number
}

/** One upon the other, from the bottom. */
const stack = (period: Period, most: number): readonly Bar[] => {
  const counts = groupsOf(period.outcomes)
  let bottom = HEIGHT
  return GROUPS.map(({ group }) => {
    const height = (counts[group] / most) * HEIGHT
    bottom -= height
    return { group, top: bottom, height }
  })
}

/** What became of deliveries, period by period: drawn, and as a table for whoever does not see it. */
export const OutcomeChart = ({ periods }: { readonly periods: readonly Period[] }): JSX.Element => {
  const totals = periods.map(({ outcomes }) => addUp(outcomes))
  const most = Math.max(1, ...totals)
  const step = WIDTH / Math.max(1, periods.length)
  const begin = periods[0]?.startsAt
  return (
    <figure>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" className="chart">
        <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} className="axis" />
        {periods.map((period, index) => (
          <g key={period.startsAt} transform={`translate(${index * step} 0)`}>
            <title>{`${localTime(period.startsAt)}: ${totals[index]}`}</title>
            {stack(period, most).map(({ group, top, height }) => (
              <rect key={group} className="bar" data-group={group} x="0" width={step * 0.82} y={top} height={height} />
            ))}
          </g>
        ))}
      </svg>
      <figcaption>
        <span>{begin ? localTime(begin) : ''}</span>
        <span>at most {most.toLocaleString('en')} a bar</span>
        <span>now</span>
      </figcaption>
      <ul className="legend">
        {GROUPS.map(({ group, words }) => (
          <li key={group}>
            <span className="swatch" data-group={group} aria-hidden="true" /> {words}
          </li>
        ))}
      </ul>
      <details>
        <summary>As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              {GROUPS.map(({ group, words }) => (
                <th scope="col" key={group}>
                  {words}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {periods
              .filter(({ outcomes }) => outcomes.length > 0)
              .map(({ startsAt, outcomes }) => {
                const counts = groupsOf(outcomes)
                return (
                  <tr key={startsAt}>
                    <th scope="row">{localTime(startsAt)}</th>
                    {GROUPS.map(({ group }) => (
                      <td key={group}>{counts[group].toLocaleString('en')}</td>
                    ))}
                  </tr>
                )
              })}
          </tbody>
        </table>
      </details>
    </figure>
  )
}
