import { type FormEvent, type JSX, useEffect, useState } from 'react'
import type { CarillonClient } from '../client.ts'
import { tellTriggered } from './news.ts'

/** Of the configuration that comes along. */
const EXAMPLE = 'comment.mentioned'

interface Notifier {
  readonly key: string
  readonly description: string | null
  readonly payloadSchema: unknown
}

interface Person {
  readonly id: string
  readonly name: string
}

/** A payload to begin with: something of each field's type. */
const sampleOf = (schema: unknown, people: readonly Person[]): unknown => {
  const { type, properties, items, format, minLength } = (schema ?? {}) as {
    readonly type?: string
    readonly properties?: Readonly<Record<string, unknown>>
    readonly items?: unknown
    readonly format?: string
    readonly minLength?: number
  }
  if (type === 'object') {
    return Object.fromEntries(Object.entries(properties ?? {}).map(([name, one]) => [name, sampleOf(one, people)]))
  }
  if (type === 'array') return [sampleOf(items, people)]
  if (type === 'number' || type === 'integer') return 42
  if (type === 'boolean') return true
  if (format === 'date-time') return new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '')
  return minLength === 3 ? 'EUR' : 'something'
}

const exampleOf = ({ key, payloadSchema }: Notifier, people: readonly Person[]): unknown =>
  key === EXAMPLE
    ? { author: 'Ada', text: 'Have a look at this', threadId: 't1', mentioned: people.map(({ id }) => id) }
    : sampleOf(payloadSchema, people)

/** Triggers any of the server's notifiers for some of the people, as a backend does. */
export const TriggerForm = ({
  client,
  people,
}: {
  readonly client: CarillonClient
  readonly people: readonly Person[]
}): JSX.Element => {
  const [notifiers, setNotifiers] = useState<readonly Notifier[]>([])
  const [chosen, choose] = useState<string | null>(null)
  const [payload, setPayload] = useState('')
  const [told, setTold] = useState<readonly string[]>(people.map(({ id }) => id))
  const [fault, setFault] = useState<string | null>(null)
  const notifier = notifiers.find(({ key }) => key === chosen)

  useEffect(() => {
    client.request('{ notifiers { key description payloadSchema } }').then(
      (data) => {
        const found = (data as { readonly notifiers: readonly Notifier[] }).notifiers
        const first = found.find(({ key }) => key === EXAMPLE) ?? found[0]
        setNotifiers(found)
        if (!first) return
        choose(first.key)
        setPayload(JSON.stringify(exampleOf(first, people), null, 2))
      },
      (error: Error) => setFault(error.message),
    )
  }, [client, people])

  const pick = (key: string): void => {
    const next = notifiers.find((one) => one.key === key)
    choose(key)
    if (next) setPayload(JSON.stringify(exampleOf(next, people), null, 2))
  }
  const toggle = (id: string, on: boolean): void => {
    const next = on ? [...told, id] : told.filter((one) => one !== id)
    setTold(next)
    if (chosen !== EXAMPLE) return
    try {
      setPayload(JSON.stringify({ ...JSON.parse(payload), mentioned: next }, null, 2))
    } catch {
      // What is being typed is no JSON yet; the button says so.
    }
  }

  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setFault(null)
    try {
      const triggered = await client.trigger({
        notificationKey: chosen ?? '',
        idempotencyKey: `demo ${Date.now()} ${Math.random()}`,
        payload: JSON.parse(payload),
        ...(chosen === EXAMPLE ? {} : { recipients: told.map((id) => ({ id })) }),
      })
      tellTriggered(triggered.event.id)
    } catch (error) {
      setFault((error as Error).message)
    }
  }

  return (
    <form className="card" onSubmit={(event) => void send(event)}>
      <h2>Something happens</h2>
      <label>
        Notifier
        <select value={chosen ?? ''} onChange={({ target }) => pick(target.value)}>
          {notifiers.map(({ key }) => (
            <option key={key}>{key}</option>
          ))}
        </select>
      </label>
      {notifier?.description ? <p className="hint">{notifier.description}</p> : null}
      <fieldset>
        <legend>Tell</legend>
        {people.map(({ id, name }) => (
          <label key={id}>
            <input type="checkbox" checked={told.includes(id)} onChange={({ target }) => toggle(id, target.checked)} />
            {name}
          </label>
        ))}
      </fieldset>
      <label>
        Payload
        <textarea rows={9} spellCheck={false} value={payload} onChange={({ target }) => setPayload(target.value)} />
      </label>
      <button type="submit">Trigger</button>
      {fault ? (
        <p className="fault" role="alert">
          {fault}
        </p>
      ) : null}
    </form>
  )
}
