import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { createApiKey } from '../../server/operations/credentials.ts'
import { everyTestCounts } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { eventsOf } from '../support/event-stream.ts'
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts'
import { until } from '../support/until.ts'
import { notesConfig } from './notes.ts'

const UPDATES = 'subscription { inboxUpdates { counts { total } } }'
const TAIL = 'subscription { deliveryUpdates { id } }'
const MOST = 3

let carillon: TestCarillon
beforeAll(async () => {
  const streams = { perRecipient: MOST, initWithinMs: 3_000, keepAliveMs: 1_200, recheckKeysEveryMs: 50 }
  carillon = await startCarillon(notesConfig, { streams })
})
afterAll(() => carillon.close())

const connect = async (recipientId: string): Promise<RawSocket> =>
  openRawSocket(carillon.wsUrl, { token: await carillon.tokenFor(recipientId) })
const stream = async (credential: string, query = UPDATES, accept = 'text/event-stream') => {
  const leaving = new AbortController()
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: {
      accept,
      'content-type': 'application/json',
      authorization: `Bearer ${credential}`,
    },
    body: JSON.stringify({ query }),
    signal: leaving.signal,
  })
  return { response, leave: () => leaving.abort() }
}

test('a recipient has so many sockets and no more, and one that ends makes room', async () => {
  const sockets: RawSocket[] = []
  for (let n = 0; n < MOST; n += 1) sockets.push(await connect('ada'))
  for (const socket of sockets) expect(socket.closed).toBeNull()
  const { code, reason } = await (await connect('ada')).closure()
  expect([code, reason]).toEqual([4429, 'RATE_LIMITED: this recipient has as many sockets as it may'])
  const another = await connect('bob')
  expect(another.closed).toBeNull()
  await sockets[0]?.end()
  await until('there is room for one', async () => {
    const socket = await connect('ada')
    if (!socket.closed) sockets.push(socket)
    return !socket.closed
  })
  for (const socket of [...sockets, another]) await socket.end()
})

test('streams of events count with the sockets, and are refused with 429 and when to come back', async () => {
  const token = await carillon.tokenFor('eve')
  const socket = await connect('eve')
  const streams = [await stream(token), await stream(token)]
  for (const { response } of streams) expect(response.status).toBe(200)
  const { response: refused } = await stream(token)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] })
  expect((await (await connect('eve')).closure()).code).toBe(4429)
  // What is no stream is answered all the same.
  expect((await carillon.ask(token, '{ inbox { cursor } }')).status).toBe(200)
  streams[0]?.leave()
  const later = await until('there is room for one', async () => {
    const one = await stream(token)
    return one.response.status === 200 && one
  })
  for (const one of [...streams, later]) one.leave()
  await socket.end()
})

test.each(['Text/Event-Stream', 'application/json, TEXT/EVENT-STREAM;q=0.5'])(
  'a stream that is asked for by %s counts too',
  async (accept) => {
    const token = await carillon.tokenFor(`asks for ${accept}`)
    const streams = []
    for (let n = 0; n < MOST; n += 1) streams.push(await stream(token, UPDATES, accept))
    for (const { response } of streams) {
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        expect.stringContaining('text/event-stream'),
      ])
    }
    expect((await stream(token, UPDATES, accept)).response.status).toBe(429)
    for (const one of streams) one.leave()
  },
)

/** By hand: `fetch` always says what it accepts. */
const askAccepting = async (accept: string | null, credential: string, query: string) => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${credential}` }
  const asking = request(carillon.graphqlUrl, { method: 'POST', headers: { ...headers, ...(accept && { accept }) } })
  asking.end(JSON.stringify({ query }))
  const [response] = await once(asking, 'response')
  const type = String(response.headers['content-type'])
  if (type.includes('event-stream')) {
    asking.destroy()
    return { status: response.statusCode, type, body: null }
  }
  return { status: response.statusCode, type, body: JSON.parse((await response.toArray()).join('')) }
}

test.each(['*/*', 'text/*', 'Text/*', '*/event-stream', 'text/ event-stream', 'multipart/mixed', null])(
  'a subscription that accepts %s is refused, and a query is answered as JSON: nothing streams uncounted',
  async (accept) => {
    const token = await carillon.tokenFor('wildcard')
    const refused = await askAccepting(accept, token, UPDATES)
    expect(refused).toMatchObject({
      status: 406,
      body: {
        errors: [
          {
            message: 'Send "accept: text/event-stream" for subscriptions',
            extensions: { code: 'BAD_USER_INPUT' },
          },
        ],
      },
    })
    expect(await askAccepting(accept, token, '{ inbox { counts { total } } }')).toMatchObject({
      status: 200,
      type: expect.stringMatching(/^application\/json/),
      body: { data: { inbox: { counts: { total: 0 } } } },
    })
  },
)

test.each([
  ['application/graphql-response+json, */*', 'application/graphql-response+json'],
  ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
  ['application/json, application/graphql-response+json', 'application/json'],
])('of the kinds of JSON in %s it answers %s', async (accept, expected) => {
  const { type } = await askAccepting(accept, await carillon.tokenFor('wildcard'), '{ __typename }')
  expect(type.split(';')[0]).toBe(expected)
})

test('a backend’s key has as many sockets as it likes', async () => {
  const sockets: RawSocket[] = []
  for (let n = 0; n <= MOST; n += 1) sockets.push(await openRawSocket(carillon.wsUrl, { token: carillon.operatorKey }))
  for (const socket of sockets) {
    expect(socket.closed).toBeNull()
    await socket.end()
  }
})

test('a socket that does not say whose it is is closed with 4408, and one that does stays', async () => {
  const [silent, introduced] = [await openRawSocket(carillon.wsUrl), await connect('introduced')]
  expect((await silent.closure()).code).toBe(4408)
  expect(introduced.closed).toBeNull()
  await introduced.end()
})

test('a socket that answers no pings is ended with what it was subscribed to, and one that does stays', async () => {
  const before = carillon.app.hub.subscriberCount
  const answering = await connect('answering')
  const dead = new WebSocket(carillon.wsUrl, 'graphql-transport-ws', { autoPong: false })
  const closed = once(dead, 'close')
  let pings = 0
  dead.on('ping', () => {
    pings += 1
  })
  await once(dead, 'open')
  dead.send(JSON.stringify({ type: 'connection_init', payload: { token: await carillon.tokenFor('dead') } }))
  await once(dead, 'message')
  dead.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: UPDATES } }))
  await until('it is subscribed', () => carillon.app.hub.subscriberCount === before + 1)
  expect((await closed)[0]).toBe(1006)
  expect(pings).toBe(1)
  await until('it is freed', () => carillon.app.hub.subscriberCount === before)
  expect(answering.closed).toBeNull()
  await answering.end()
})

describe('what is open by an API key', () => {
  everyTestCounts('S9')

  test('what is open by an API key ends when that is revoked, and what is open by another goes on', async () => {
    const { app, tenantId, sql } = carillon
    const key = await createApiKey(app.db, { tenantId, scopes: ['OPERATE'], label: 'passing' })
    const [ending, staying] = [
      await openRawSocket(carillon.wsUrl, { token: key }),
      await openRawSocket(carillon.wsUrl, { token: carillon.operatorKey }),
    ]
    const recipient = await connect('unconcerned')
    expect([ending.closed, staying.closed]).toEqual([null, null])
    ending.subscribe('1', TAIL)
    staying.subscribe('1', TAIL)
    const [endingEvents, stayingEvents] = [await stream(key, TAIL), await stream(carillon.operatorKey, TAIL)]
    await until('all four follow', () => app.tail.followerCount === 4)
    await sql.query(`update api_key set revoked_at = clock_timestamp() where label = 'passing'`)
    expect((await ending.closure()).code).toBe(4403)
    for await (const { event } of eventsOf(endingEvents.response)) expect(event).toBe('complete')
    await until('both are freed', () => app.tail.followerCount === 2)
    expect([staying.closed, recipient.closed]).toEqual([null, null])
    stayingEvents.leave()
    await staying.end()
    await recipient.end()
  })

  test('while the database cannot say which keys are valid, what is open stays', async () => {
    const socket = await openRawSocket(carillon.wsUrl, { token: carillon.operatorKey })
    await carillon.sql.query('revoke select on api_key from carillon_app')
    let asked = 0
    const { credentials } = carillon.app
    try {
      await until('the keys could not be read several times', async () => {
        await credentials.goodGrants(['key:']).catch(() => {
          asked += 1
        })
        return asked > 10
      })
    } finally {
      await carillon.sql.query('grant select on api_key to carillon_app')
    }
    expect(socket.closed).toBeNull()
    await socket.end()
  })
})
