import type { JSX } from 'react'
import { addressOf, type Place, type Route } from './route.ts'
import { SearchBox } from './search/search-box.tsx'
import { useSession } from './session.ts'

const WAYS = [
  ['overview', 'Overview'],
  ['deliveries', 'Deliveries'],
  ['live', 'Live'],
  ['simulate', 'Simulate'],
  ['preview', 'Preview'],
] as const satisfies readonly (readonly [Place, string])[]

/** What stands above every page: the ways, the search, and whose data it is. */
export const Top = ({ route }: { readonly route: Route }): JSX.Element => {
  const { tenantId, signOut } = useSession()
  return (
    <header className="top">
      <span className="brand">
        Carillon <span className="tenant">{tenantId}</span>
      </span>
      <nav aria-label="Console">
        {WAYS.map(([place, words]) => (
          <a
            key={place}
            className="way"
            href={addressOf(place)}
            aria-current={route.place === place ? 'page' : undefined}
          >
            {words}
          </a>
        ))}
      </nav>
      <SearchBox route={route} />
      <button type="button" className="quiet" onClick={() => signOut()}>
        Sign out
      </button>
    </header>
  )
}
