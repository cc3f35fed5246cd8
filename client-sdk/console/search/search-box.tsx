import type { FormEvent, JSX } from 'react'
import { addressOf, goTo, type Route } from '../route.ts'

/** One field for everything that a support person may have in hand. */
export const SearchBox = ({ route }: { readonly route: Route }): JSX.Element => {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const text = String(new FormData(event.currentTarget).get('q')).trim()
    if (text) goTo(addressOf('search', '', { q: text }))
  }
  const text = route.place === 'search' ? (route.parameters['q'] ?? '') : ''
  return (
    <search>
      <form onSubmit={submit} className="search">
        <label className="unseen" htmlFor="q">
          Search: a recipient, an idempotency key, a correlation id, or any id
        </label>
        <input
          key={text}
          id="q"
          name="q"
          type="search"
          defaultValue={text}
          placeholder="Recipient, key, correlation id, any id"
          autoComplete="off"
          spellCheck={false}
          maxLength={500}
        />
        <button type="submit">Search</button>
      </form>
    </search>
  )
}
