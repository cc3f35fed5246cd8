import { type JSX, useState } from 'react'
import { filterOf } from '../deliveries/filter.ts'
import { Filters } from '../deliveries/filters.tsx'
import { DeliveryLine } from '../deliveries/row.tsx'
import { Fault } from '../fault.tsx'
import { Page } from '../page.tsx'
import type { Route } from '../route.ts'
import { counted } from '../wording.ts'
import { useTail } from './use-tail.ts'

/** Every change of every delivery as it happens. It may miss some, and says nothing of what was before. */
export const LivePage = ({ route }: { readonly route: Route }): JSX.Element => {
  const [paused, pause] = useState(false)
  const { insertedAfter: _, ...filter } = filterOf(route)
  const { changes, held, fault, release, clear } = useTail(filter, paused)
  const toggle = (): void => {
    if (paused) release()
    pause(!paused)
  }
  return (
    <Page title="Live" lead="Deliveries as they change, newest first.">
      <Filters route={route} />
      <p className="toolbar">
        <button type="button" aria-pressed={paused} onClick={toggle}>
          Pause
        </button>
        <button type="button" onClick={clear}>
          Clear
        </button>
        <span role="status">{paused ? `Standing still: ${counted(held.length, 'change')} held back.` : ''}</span>
      </p>
      <Fault fault={fault} />
      {changes.length === 0 && !fault ? <p className="nothing">Listening. Nothing has changed so far.</p> : null}
      <div role="log" aria-live="off" aria-label="Changes">
        <ol className="rows">
          {changes.map(({ number, delivery }) => (
            <DeliveryLine key={number} delivery={delivery} />
          ))}
        </ol>
      </div>
    </Page>
  )
}
