import { type JSX, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { DeliveriesPage } from './deliveries/deliveries-page.tsx'
import { DeliveryPage } from './delivery/delivery-page.tsx'
import { LivePage } from './live/live-page.tsx'
import { OverviewPage } from './overview/overview-page.tsx'
import { RecipientPage } from './recipient/recipient-page.tsx'
import { type Route, readRoute, useHash } from './route.ts'
import { SearchPage } from './search/search-page.tsx'
import { SessionProvider } from './session.ts'
import { SignIn } from './sign-in/sign-in.tsx'
import { useSignIn } from './sign-in/use-session.ts'
import { BucketPage } from './things/bucket-page.tsx'
import { EventPage } from './things/event-page.tsx'
import { RunPage } from './things/run-page.tsx'
import { Top } from './top.tsx'
import { PreviewPage } from './trials/preview-page.tsx'
import { SimulatePage } from './trials/simulate-page.tsx'

const pageOf = (route: Route): JSX.Element => {
  const { place, id, parameters } = route
  switch (place) {
    case 'overview':
      return <OverviewPage route={route} />
    case 'search':
      return <SearchPage key={parameters['q'] ?? ''} text={parameters['q'] ?? ''} />
    case 'deliveries':
      return <DeliveriesPage route={route} />
    case 'delivery':
      return <DeliveryPage key={id} id={id} />
    case 'event':
      return <EventPage key={id} id={id} />
    case 'recipient':
      return <RecipientPage key={id} id={id} />
    case 'bucket':
      return <BucketPage key={id} id={id} />
    case 'run':
      return <RunPage key={id} id={id} />
    case 'simulate':
      return <SimulatePage route={route} />
    case 'preview':
      return <PreviewPage route={route} />
    case 'live':
      return <LivePage route={route} />
  }
}

const Console = (): JSX.Element => {
  const route = readRoute(useHash())
  const { session, signIn, words, busy, given } = useSignIn()
  if (!session) {
    return <SignIn words={words} given={given} busy={busy} onKey={(key) => void signIn(key)} />
  }
  return (
    <SessionProvider value={session}>
      <button type="button" className="skip" onClick={() => document.querySelector<HTMLElement>('main h1')?.focus()}>
        To the content
      </button>
      <Top route={route} />
      {pageOf(route)}
    </SessionProvider>
  )
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Console />
  </StrictMode>,
)
