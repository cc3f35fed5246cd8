import type { TestCarillon } from './carillon.ts'
import { eventsOf } from './event-stream.ts'
import { openRawSocket } from './raw-socket.ts'

/** What came of an operation, whichever way it was sent. */
export interface Verdict {
  readonly data: unknown
  readonly errors: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[]
}

export interface DoorRequest {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>> | undefined
  readonly operationName?: string | undefined
}

/** One way to send an operation. */
export interface Door {
  readonly name: string
  ask(request: DoorRequest): Promise<Verdict>
}

export interface Doors {
  readonly all: readonly Door[]
  close(): Promise<void>
}

const verdictOf = ({ data = null, errors = [] }: Partial<Verdict>): Verdict => ({ data, errors })

/** The codes of a verdict's errors, each once. */
export const codesOf = ({ errors }: Verdict): unknown[] => [
  ...new Set(errors.map(({ extensions }) => extensions?.['code'])),
]

/** Every door of a server, opened with one credential: HTTP, a stream of events, and one socket. */
export const openDoors = async (
  { graphqlUrl, wsUrl }: Pick<TestCarillon, 'graphqlUrl' | 'wsUrl'>,
  credential: string,
): Promise<Doors> => {
  const socket = await openRawSocket(wsUrl, { authorization: `Bearer ${credential}` })
  const post = (request: DoorRequest, accept: string): Promise<Response> =>
    fetch(graphqlUrl, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json', authorization: `Bearer ${credential}` },
      body: JSON.stringify(request),
    })
  let sent = 0
  const http: Door = {
    name: 'HTTP',
    ask: async (request) => verdictOf((await (await post(request, 'application/json')).json()) as Partial<Verdict>),
  }
  const stream: Door = {
    name: 'a stream of events',
    async ask(request) {
      const response = await post(request, 'text/event-stream')
      if (response.headers.get('content-type')?.includes('json')) return verdictOf((await response.json()) as Verdict)
      let verdict: Verdict = { data: null, errors: [] }
      for await (const { event, data } of eventsOf(response)) if (event === 'next') verdict = verdictOf(data)
      return verdict
    },
  }
  const overSocket: Door = {
    name: 'a socket',
    async ask(request) {
      sent += 1
      const id = `${sent}`
      socket.send({ type: 'subscribe', id, payload: request })
      const { type, payload } = await socket.message((message) => message.id === id && message.type !== 'complete')
      return verdictOf(type === 'error' ? { errors: payload } : payload)
    },
  }
  return { all: [http, stream, overSocket], close: () => socket.end() }
}
