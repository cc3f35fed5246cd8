import type { JSX } from 'react'
import { STATES } from '../deliveries/filter.ts'
import { FoundDeliveries } from '../deliveries/found.tsx'
import { Fault } from '../fault.tsx'
import { OverviewDocument } from '../generated/operations.ts'
import { SPANS, type Span, sinceOf, spanOf } from '../instants.ts'
import { Page } from '../page.tsx'
import { addressOf, type Route } from '../route.ts'
import { useAnswer } from '../use-answer.ts'
import { GROUPS, groupsOf } from './groups.ts'
import { OutcomeChart } from './outcome-chart.tsx'
import { QueuePart } from './queue-part.tsx'

/** So that there are between 30 and 60 bars. */
const PERIOD_MINUTES = { '1h': 2, '24h': 30, '7d': 180, '30d': 720 } as const satisfies Record<Span, number>

const AGAIN_MS = 30_000

/** Where a group of outcomes is listed. */
const STATE_OF = { sent: 'succeeded', waiting: 'pending', stopped: 'suppressed', failed: 'trouble' } as const

/** How it goes: the queue, what became of what was planned, and what somebody should look at. */
export const OverviewPage = ({ route }: { readonly route: Route }): JSX.Element => {
  const span = spanOf(route.parameters['since'], '24h')
  const since = sinceOf(span, PERIOD_MINUTES[span])
  const input = { insertedAfter: since, periodMinutes: PERIOD_MINUTES[span] }
  const { data, fault, reload } = useAnswer(OverviewDocument, { input }, { everyMs: AGAIN_MS })
  const periods = data?.outcomeHistory ?? []
  const counts = groupsOf(periods.flatMap(({ outcomes }) => outcomes))
  return (
    <Page title="Overview">
      <nav className="spans" aria-label="How far back">
        {(Object.keys(SPANS) as Span[]).map((one) => (
          <a
            key={one}
            className="way"
            href={addressOf('overview', '', { since: one })}
            aria-current={one === span ? 'true' : undefined}
          >
            {SPANS[one].words}
          </a>
        ))}
      </nav>
      <Fault fault={fault} onRetry={reload} />
      <ul className="tiles">
        {GROUPS.map(({ group, words }) => (
          <li key={group} data-group={group}>
            <a href={addressOf('deliveries', '', { state: STATE_OF[group], since: span })}>
              <strong>{counts[group].toLocaleString('en')}</strong> {words}
            </a>
          </li>
        ))}
      </ul>
      <section>
        <h2>What became of what was planned in {SPANS[span].words}</h2>
        <OutcomeChart periods={periods} />
      </section>
      <QueuePart />
      <section>
        <h2>Hanging: nobody knows whether the provider took it</h2>
        <FoundDeliveries filter={{ awaitsOperator: true }} nothing="Nothing hangs." />
      </section>
      <section>
        <h2>Failing or given up</h2>
        <FoundDeliveries
          key={span}
          filter={{ status: [...STATES.trouble.status], insertedAfter: since }}
          nothing="Nothing fails, and nothing was given up."
        />
      </section>
    </Page>
  )
}
