import type { FormEvent, JSX } from 'react'
import { SPANS } from '../instants.ts'
import { addressOf, goTo, type Route } from '../route.ts'
import { useSession } from '../session.ts'
import { STATES, spanOfRoute } from './filter.ts'

/** Narrows a list of deliveries down; what is chosen stands in the address, to be kept and shared. */
export const Filters = ({ route }: { readonly route: Route }): JSX.Element => {
  const { notifiers, channels } = useSession()
  const { key, channel, state, recipient, event, correlation, notification, reason } = route.parameters
  const narrow = (form: HTMLFormElement): void => {
    const given = Object.fromEntries(new FormData(form)) as Record<string, string>
    goTo(addressOf(route.place, '', { event, notification, ...given }))
  }
  const submit = (submitted: FormEvent<HTMLFormElement>): void => {
    submitted.preventDefault()
    narrow(submitted.currentTarget)
  }
  const chosen = ({ currentTarget }: FormEvent<HTMLSelectElement>): void => {
    if (currentTarget.form) narrow(currentTarget.form)
  }
  return (
    <form className="filters" onSubmit={submit} aria-label="Narrow down" key={JSON.stringify(route.parameters)}>
      <label>
        Notification
        <select name="key" defaultValue={key ?? ''} onChange={chosen}>
          <option value="">any</option>
          {notifiers.map((one) => (
            <option key={one.key}>{one.key}</option>
          ))}
        </select>
      </label>
      <label>
        Channel
        <select name="channel" defaultValue={channel ?? ''} onChange={chosen}>
          <option value="">any</option>
          {channels.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label>
        State
        <select name="state" defaultValue={state ?? ''} onChange={chosen}>
          <option value="">any</option>
          {Object.entries(STATES).map(([value, { words }]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
      {route.place === 'deliveries' ? (
        <label>
          Since
          <select name="since" defaultValue={spanOfRoute(route)} onChange={chosen}>
            {Object.entries(SPANS).map(([value, { words }]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
            <option value="all">the beginning</option>
          </select>
        </label>
      ) : null}
      <label>
        Recipient
        <input name="recipient" defaultValue={recipient ?? ''} autoComplete="off" spellCheck={false} />
      </label>
      <label>
        Correlation id
        <input name="correlation" defaultValue={correlation ?? ''} autoComplete="off" spellCheck={false} />
      </label>
      {reason ? <input type="hidden" name="reason" value={reason} /> : null}
      <button type="submit">Apply</button>
    </form>
  )
}
