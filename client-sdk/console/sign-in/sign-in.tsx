import { type FormEvent, type JSX, useState } from 'react'
import { Page } from '../page.tsx'

/** Asks for an operator's key. It stays in this tab, and goes with its requests alone. */
export const SignIn = ({
  words,
  given,
  busy,
  onKey,
}: {
  /** Why somebody has to sign in again, or could not. */
  readonly words: string | null
  readonly given: string
  readonly busy: boolean
  readonly onKey: (key: string) => void
}): JSX.Element => {
  const [key, setKey] = useState(given)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    onKey(key.trim())
  }
  return (
    <div className="door">
      <Page title="Carillon console">
        <form onSubmit={submit}>
          <label>
            Operator’s API key
            <input
              type="password"
              name="key"
              value={key}
              onChange={({ target }) => setKey(target.value)}
              required
              autoComplete="off"
              spellCheck={false}
              aria-describedby="key-hint"
            />
          </label>
          <button type="submit" className="primary" disabled={busy}>
            {busy ? 'Signing in…' : 'Sign in'}
          </button>
          {words ? (
            <p className="fault" role="alert">
              {words}
            </p>
          ) : null}
          <p className="quiet" id="key-hint">
            One with scope OPERATE, as <code>carillon keys create --scope OPERATE</code> prints it. It is kept in this
            tab, and forgotten with it.
          </p>
        </form>
      </Page>
    </div>
  )
}
