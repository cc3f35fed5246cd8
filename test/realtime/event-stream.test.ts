import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { eventsOf, type StreamedEvent } from '../support/event-stream.ts'
import { until } from '../support/until.ts'
import { notesConfig, sendNotes, times } from './notes.ts'

const UPDATES = `subscription ($after: InboxCursor) {
  inboxUpdates(after: $after) { cursor resync counts { total } changed { content { title } } }
}`

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(notesConfig)
})
afterAll(() => carillon.close())

const post = (token: string, signal?: AbortSignal, variables?: Record<string, unknown>) =>
  fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query: UPDATES, variables }),
    ...(signal && { signal }),
  })
const get = (token: string) => {
  const url = new URL(carillon.graphqlUrl)
  url.searchParams.set('query', 'subscription { inboxUpdates { counts { total } } }')
  url.searchParams.set('token', token)
  return fetch(url, { headers: { accept: 'text/event-stream' } })
}
const update = async (events: AsyncGenerator<StreamedEvent, undefined>) => {
  const { value } = await events.next()
  expect(value?.event).toBe('next')
  return value?.data.data.inboxUpdates
}
const shortToken = async (recipientId: string, ttlSeconds: number): Promise<string> => {
  const mutation = 'mutation ($input: CreateRecipientTokenInput!) { createRecipientToken(input: $input) { token } }'
  const data = await carillon.ok(carillon.backendKey, mutation, { input: { recipientId, ttlSeconds } })
  return data.createRecipientToken.token
}

test('an inbox is followed as server-sent events, and leaving frees it at once', async () => {
  const { hub } = carillon.app
  const before = hub.subscriberCount
  const leaving = new AbortController()
  const response = await post(await carillon.tokenFor('reader'), leaving.signal)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const events = eventsOf(response)
  expect(await update(events)).toMatchObject({ changed: [], counts: { total: 0 } })
  await sendNotes(carillon, ['reader'])
  const moved = await update(events)
  expect(moved).toMatchObject({ counts: { total: 1 } })
  expect(moved.changed).toHaveLength(1)
  expect(hub.subscriberCount).toBe(before + 1)
  leaving.abort()
  await until('it is freed', () => hub.subscriberCount === before)
})

test('a stream goes on from a cursor', async () => {
  const token = await carillon.tokenFor('resumer')
  const { inbox } = await carillon.ok(token, '{ inbox { cursor } }')
  await sendNotes(carillon, times('resumer', 3))
  const leaving = new AbortController()
  const events = eventsOf(await post(token, leaving.signal, { after: inbox.cursor }))
  expect((await update(events)).changed).toHaveLength(3)
  leaving.abort()
})

test('an EventSource, which can send no header, gives its token in the address', async () => {
  const response = await get(await carillon.tokenFor('browser'))
  expect(response.status).toBe(200)
  const events = eventsOf(response)
  expect(await update(events)).toEqual({ counts: { total: 0 } })
  await events.return(undefined)
})

test('an API key is not taken from the address, where logs see it', async () => {
  expect((await get(carillon.operatorKey)).status).toBe(401)
})

test.each(['', 'not.a.token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln'])(
  'the credential "%s" is refused with 401 before anything streams',
  async (token) => {
    for (const response of [await post(token), await get(token)]) {
      expect(response.status).toBe(401)
      const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] }
      expect(errors[0]?.extensions.code).toBe('UNAUTHENTICATED')
    }
  },
)

test('a stream ends with the token that opened it', async () => {
  const before = carillon.app.hub.subscriberCount
  const events = eventsOf(await post(await shortToken('passing', 2)))
  await update(events)
  for await (const { event } of events) expect(event).toBe('complete')
  await until('it is freed', () => carillon.app.hub.subscriberCount === before)
})

test('a stream ends when the server stops', async () => {
  const stopping = await startCarillon(notesConfig)
  const response = await fetch(stopping.graphqlUrl, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${await stopping.tokenFor('ada')}`,
    },
    body: JSON.stringify({ query: UPDATES }),
  })
  const events = eventsOf(response)
  await update(events)
  await stopping.close()
  for await (const { event } of events) expect(event).toBe('complete')
})
