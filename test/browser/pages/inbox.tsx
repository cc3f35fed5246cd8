import { type JSX, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createClient, type InboxNotification } from '../../../client-sdk/index.ts'
import { CarillonProvider, Inbox, InboxBell, PreferenceCenter, type Theme } from '../../../client-sdk/react/index.ts'

/** A host's page, as its address asks for it. */
const asked = new URLSearchParams(location.search)
const real = createClient({ url: asked.get('url') ?? '', token: asked.get('token') ?? '' })
const count = Number(asked.get('count') ?? 0)

const made = (index: number): InboxNotification => ({
  id: `made ${index}`,
  recipientId: 'many',
  notificationKey: 'made',
  category: null,
  cursor: `made ${index}`,
  content: {
    title: `Number ${index}`,
    body: index % 3 === 0 ? 'A longer one, '.repeat(12) : null,
    data: null,
    primaryAction: null,
    secondaryAction: null,
  },
  insertedAt: '2020-01-01T00:00:00.000Z',
  arrivedAt: new Date(Date.UTC(2020, 0, 1) - index * 1_000).toISOString(),
  seenAt: '2020-01-02T00:00:00.000Z',
  readAt: null,
  archivedAt: null,
  snoozedUntil: null,
})

/** With `count`, the inbox has so many items more, all on the first page. */
const client =
  count === 0
    ? real
    : {
        ...real,
        inbox: async (...given: Parameters<typeof real.inbox>) => {
          const inbox = await real.inbox(...given)
          const edges = Array.from({ length: count }, (_, index) => ({ cursor: `${index}`, node: made(index) }))
          const notifications = { ...inbox.notifications, edges: [...inbox.notifications.edges, ...edges] }
          return { ...inbox, notifications }
        },
      }

const GERMAN = {
  inbox: 'Mitteilungen',
  markAllRead: 'Alle als gelesen markieren',
  all: 'Alle',
  unread: 'Ungelesen',
  archived: 'Archiv',
}

const Page = (): JSX.Element => (
  <CarillonProvider
    client={client}
    theme={(asked.get('theme') ?? 'auto') as Theme}
    {...(asked.get('locale') === 'de' && { locale: 'de', labels: GERMAN })}
  >
    <header style={{ display: 'flex', justifyContent: 'space-between', padding: '1rem' }}>
      <h1 style={{ margin: 0 }}>A host’s page</h1>
      <InboxBell />
    </header>
    <main style={{ maxWidth: '28rem', padding: '1rem' }}>
      {asked.has('inbox') ? <Inbox /> : null}
      {asked.has('preferences') ? <PreferenceCenter /> : null}
    </main>
  </CarillonProvider>
)

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
