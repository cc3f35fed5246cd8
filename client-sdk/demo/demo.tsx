import { type JSX, type MouseEvent, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createClient } from '../client.ts'
import { CarillonProvider, Inbox, InboxBell, PreferenceCenter } from '../react/index.ts'
import { Explanations } from './explanations.tsx'
import { TriggerForm } from './trigger-form.tsx'

/** Who looks at the page: two people, side by side. */
const PEOPLE = [
  { id: 'bob', name: 'Bob' },
  { id: 'carol', name: 'Carol' },
] as const

const { key } = JSON.parse(document.getElementById('carillon')?.textContent ?? '{}') as { readonly key: string }
const url = `${location.origin}/graphql`

/** Triggers and explains, as a backend and an operator would. */
const operator = createClient({ url, token: key })

const FRONT_ENDS = PEOPLE.map((person) => ({
  ...person,
  // In an application, its backend does this for whoever is logged in.
  client: createClient({
    url,
    token: async () => (await operator.createRecipientToken({ recipientId: person.id })).token,
  }),
}))

/** What notifications lead to is not here. */
const stay = (event: MouseEvent): void => {
  if ((event.target as HTMLElement).closest('.carillon-links a')) event.preventDefault()
}

const Desk = ({ name, client }: (typeof FRONT_ENDS)[number]): JSX.Element => (
  <CarillonProvider client={client}>
    <section className="desk" aria-label={`${name}’s page`} onClickCapture={stay}>
      <header className="desk-bar">
        <span className="face" aria-hidden="true">
          {name[0]}
        </span>
        <strong>{name}</strong>
        <span className="desk-bell">
          <InboxBell />
        </span>
      </header>
      <Inbox heading={`${name}’s inbox`} />
      <details className="desk-settings">
        <summary>What {name} wants to hear of</summary>
        <PreferenceCenter heading={`${name}’s settings`} />
      </details>
    </section>
  </CarillonProvider>
)

const Demo = (): JSX.Element => (
  <>
    <header className="top">
      <h1>Carillon</h1>
      <p>
        Tell Bob and Carol something, and see it arrive, and why. <a href="/graphiql">GraphiQL</a>
      </p>
    </header>
    <main className="desks">
      <div className="backend">
        <TriggerForm client={operator} people={PEOPLE} />
        <Explanations client={operator} people={PEOPLE} />
      </div>
      {FRONT_ENDS.map((person) => (
        <Desk key={person.id} {...person} />
      ))}
    </main>
  </>
)

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Demo />
  </StrictMode>,
)
