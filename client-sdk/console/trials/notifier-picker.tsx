import type { JSX } from 'react'
import { Json } from '../json.tsx'
import { type Notifier, useSession } from '../session.ts'

/** Chooses a notifier, and shows what it is for and what its payload has to be. */
export const NotifierPicker = ({
  chosen,
  onChoose,
}: {
  readonly chosen: Notifier | undefined
  readonly onChoose: (notifier: Notifier) => void
}): JSX.Element => {
  const { notifiers } = useSession()
  return (
    <>
      <label>
        Notification
        <select
          value={chosen?.key ?? ''}
          onChange={({ target }) => {
            const next = notifiers.find(({ key }) => key === target.value)
            if (next) onChoose(next)
          }}
        >
          {notifiers.map(({ key }) => (
            <option key={key}>{key}</option>
          ))}
        </select>
      </label>
      {chosen ? (
        <>
          <p className="quiet">
            {chosen.description} On {chosen.channels.join(', ')}; version {chosen.version}
            {chosen.required ? '; required' : ''}
            {chosen.urgent ? '; urgent' : ''}.
          </p>
          <details>
            <summary>What its payload has to be (JSON Schema)</summary>
            <Json value={chosen.payloadSchema} />
          </details>
        </>
      ) : null}
    </>
  )
}
