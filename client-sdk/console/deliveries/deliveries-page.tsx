import type { JSX } from 'react'
import { Page } from '../page.tsx'
import type { Route } from '../route.ts'
import { filterOf } from './filter.ts'
import { Filters } from './filters.tsx'
import { FoundDeliveries } from './found.tsx'

/** Every delivery, newest first, narrowed down as wanted. */
export const DeliveriesPage = ({ route }: { readonly route: Route }): JSX.Element => {
  const { event, notification, reason } = route.parameters
  const filter = filterOf(route)
  return (
    <Page title="Deliveries">
      <Filters route={route} />
      {event || notification || reason ? (
        <p className="quiet">
          {[event && 'of one event', notification && 'of one notification', reason && `for ${reason}`]
            .filter(Boolean)
            .join(', ')}{' '}
          alone. <a href="#/deliveries">All</a>
        </p>
      ) : null}
      <FoundDeliveries
        key={JSON.stringify(route.parameters)}
        filter={filter}
        nothing="Nothing fits. Choose a longer time, or fewer conditions."
      />
    </Page>
  )
}
