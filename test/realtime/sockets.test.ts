import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { everyTestCounts } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { openRawSocket, type RawSocket, type SocketMessage } from '../support/raw-socket.ts'
import { until } from '../support/until.ts'
import { notesConfig, sendNotes, times } from './notes.ts'

const UPDATES = `subscription ($after: InboxCursor) {
  inboxUpdates(after: $after) { cursor resync counts { total unread } removedIds changed { content { title } readAt } }
}`

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(notesConfig)
})
afterAll(() => carillon.close())

const shortToken = async (recipientId: string, ttlSeconds: number): Promise<string> => {
  const mutation = 'mutation ($input: CreateRecipientTokenInput!) { createRecipientToken(input: $input) { token } }'
  const data = await carillon.ok(carillon.backendKey, mutation, { input: { recipientId, ttlSeconds } })
  return data.createRecipientToken.token
}
const connect = async (recipientId: string): Promise<RawSocket> =>
  openRawSocket(carillon.wsUrl, { token: await carillon.tokenFor(recipientId) })
const updates = (socket: RawSocket, id: string) =>
  socket
    .answers(id)
    .flatMap(({ type, payload }) => (type === 'next' && payload.data ? [payload.data.inboxUpdates] : []))
const answered = (socket: RawSocket, id: string, count = 1) =>
  until(`operation ${id} was answered ${count} times`, () => socket.answers(id).length >= count)
const of = (id: string, type: string) => (message: SocketMessage) => message.id === id && message.type === type

test('a front end sees its inbox move, with the client that everybody uses', async () => {
  const client = createClient({
    url: carillon.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${await carillon.tokenFor('client')}` },
    retryAttempts: 0,
  })
  const stream = client.iterate<{ inboxUpdates: { changed: { content: { title: string } }[] } }>({ query: UPDATES })
  expect((await stream.next()).value.data.inboxUpdates).toMatchObject({ changed: [], counts: { total: 0 } })
  await sendNotes(carillon, ['client'])
  const { value } = await stream.next()
  expect(value.data.inboxUpdates).toMatchObject({ resync: false, removedIds: [], counts: { total: 1, unread: 1 } })
  expect(value.data.inboxUpdates.changed).toHaveLength(1)
  await stream.return?.()
  await client.dispose()
})

test('a cursor that an update gave is where a later connection goes on', async () => {
  const first = await connect('resumer')
  first.subscribe('1', UPDATES)
  await answered(first, '1')
  const [{ cursor }] = updates(first, '1')
  await first.end()
  await sendNotes(carillon, times('resumer', 120))
  const second = await connect('resumer')
  second.subscribe('1', UPDATES, { after: cursor })
  await answered(second, '1', 2)
  const [page, rest] = updates(second, '1')
  expect([page.changed.length, rest.changed.length]).toEqual([100, 20])
  second.subscribe('2', UPDATES, { after: rest.cursor })
  await answered(second, '2')
  expect(updates(second, '2')[0]).toMatchObject({ changed: [], counts: { total: 120 } })
  await second.end()
})

test.each(['nonsense', 'MC5hYmNkZWZnaA'])(
  'the foreign or malformed cursor %s is the caller’s mistake, and the socket stays',
  async (after) => {
    const socket = await connect('curious')
    socket.subscribe('1', UPDATES, { after })
    await answered(socket, '1')
    const { type, payload } = socket.answers('1')[0] as SocketMessage
    const [error] = type === 'error' ? payload : payload.errors
    expect(error).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } })
    expect(socket.closed).toBeNull()
    await socket.end()
  },
)

test('unsubscribing and leaving free what was subscribed to, at once', async () => {
  const { hub } = carillon.app
  const before = hub.subscriberCount
  const socket = await connect('leaver')
  socket.subscribe('1', UPDATES)
  socket.subscribe('2', UPDATES)
  await answered(socket, '2')
  expect(hub.subscriberCount).toBe(before + 2)
  socket.send({ type: 'complete', id: '1' })
  await until('one is freed', () => hub.subscriberCount === before + 1)
  await socket.end()
  await until('the other one is', () => hub.subscriberCount === before)
})

describe('credentials', () => {
  everyTestCounts('S9')

  test.each([
    ['none', null],
    ['an empty one', {}],
    ['a forged one', { token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl' }],
    ['a forged header', { authorization: 'Bearer ck_forged' }],
    ['another kind of header', { authorization: 'Basic YWRhOmFkYQ==' }],
    ['no text', { token: 7 }],
  ])('%s closes the socket with 4403', async (_, init) => {
    const socket = await openRawSocket(carillon.wsUrl, init)
    expect((await socket.closure()).code).toBe(4403)
    expect(socket.messages).toEqual([])
  })

  test('a token that has ended closes the socket with 4403', async () => {
    const token = await shortToken('passing', 1)
    await until('the token has ended', async () => (await carillon.app.credentials.authenticate(token)) === null)
    const socket = await openRawSocket(carillon.wsUrl, { token })
    expect((await socket.closure()).code).toBe(4403)
  })

  test('a socket ends with its token, with 4403, and with what it was subscribed to', async () => {
    const before = carillon.app.hub.subscriberCount
    const socket = await openRawSocket(carillon.wsUrl, { token: await shortToken('short', 2) })
    socket.subscribe('1', UPDATES)
    await answered(socket, '1')
    expect((await socket.closure()).code).toBe(4403)
    await until('the subscription is freed', () => carillon.app.hub.subscriberCount === before)
  })

  test('what happens once a token has ended is told to nobody who had it, over either way', async () => {
    const id = 'leaving'
    const token = await shortToken(id, 2)
    const socket = await openRawSocket(carillon.wsUrl, { token })
    socket.subscribe('1', UPDATES)
    await answered(socket, '1')
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` }
    const query = encodeURIComponent('subscription { inboxUpdates { changed { content { title } } } }')
    const stream = (await fetch(`${carillon.graphqlUrl}?query=${query}`, { headers })).text()
    expect((await socket.closure()).code).toBe(4403)
    const staying = await connect(id)
    staying.subscribe('1', UPDATES)
    await answered(staying, '1')
    socket.subscribe('2', UPDATES)
    await sendNotes(carillon, [id])
    await answered(staying, '1', 2)
    expect(JSON.stringify(socket.messages)).not.toContain('note ')
    expect(await stream).not.toContain('note ')
    await staying.end()
  })

  test('a ping with a token that has ended does not keep a socket', async () => {
    const ended = await shortToken('stable', 1)
    await until('the token has ended', async () => (await carillon.app.credentials.authenticate(ended)) === null)
    const socket = await connect('stable')
    socket.send({ type: 'ping', payload: { token: ended } })
    expect((await socket.closure()).code).toBe(4403)
  })

  test('whoever was erased is shown nothing more of what it had, on a socket that was open', async () => {
    const socket = await connect('erased')
    await sendNotes(carillon, ['erased'])
    socket.subscribe('1', UPDATES)
    await answered(socket, '1')
    const erase = 'mutation { eraseRecipient(input: { recipientId: "erased" }) { erasedNotificationCount } }'
    await carillon.ok(carillon.backendKey, erase)
    await until('the socket starts anew', () => updates(socket, '1').some(({ resync }) => resync))
    socket.subscribe('2', '{ inbox { notifications { edges { node { content { title } } } } } }')
    const { payload } = await socket.message(of('2', 'next'))
    expect(JSON.stringify(payload)).not.toContain('note ')
    await socket.end()
  })

  test('a ping with a new token of the same recipient renews the socket', async () => {
    const token = await shortToken('renewing', 2)
    const socket = await openRawSocket(carillon.wsUrl, { token })
    socket.subscribe('1', UPDATES)
    await answered(socket, '1')
    socket.send({ type: 'ping', payload: { token: await carillon.tokenFor('renewing') } })
    await socket.message(({ type }) => type === 'pong')
    // Another socket with the old token shows when the end of it has come and gone.
    const witness = await openRawSocket(carillon.wsUrl, { token })
    await witness.closure()
    await sendNotes(carillon, ['renewing'])
    await answered(socket, '1', 2)
    expect(socket.closed).toBeNull()
    await socket.end()
  })

  test.each([
    ["another recipient's token", () => carillon.tokenFor('somebody-else')],
    ['a forged token', async () => 'not.a.token'],
    ['an API key', async () => carillon.operatorKey],
  ])('a ping with %s ends the socket with 4403', async (_, credential) => {
    const socket = await connect('stable')
    socket.send({ type: 'ping', payload: { token: await credential() } })
    expect((await socket.closure()).code).toBe(4403)
  })

  test('a ping without a token is a ping', async () => {
    const socket = await connect('pinging')
    socket.send({ type: 'ping' })
    socket.send({ type: 'ping', payload: { token: 7 } })
    await until('both are answered', () => socket.messages.filter(({ type }) => type === 'pong').length === 2)
    expect(socket.closed).toBeNull()
    await socket.end()
  })

  test("a recipient's token does not open another's inbox", async () => {
    const socket = await connect('nosy')
    socket.subscribe('1', 'subscription { inboxUpdates(recipientId: "resumer") { cursor counts { total } } }')
    await answered(socket, '1')
    expect(JSON.stringify(socket.answers('1'))).not.toContain('120')
    expect(updates(socket, '1')).toEqual([])
    await socket.end()
  })
})

describe('one operation’s mistake', () => {
  test.each([
    ['a syntax error', 'subscription { inboxUpdates {'],
    ['an unknown field', '{ nothingLikeIt }'],
    ['an empty document', ' '],
  ])('%s is answered to that operation, and the others go on', async (_, query) => {
    const socket = await connect('mistaken')
    socket.subscribe('good', UPDATES)
    await answered(socket, 'good')
    socket.subscribe('bad', query)
    const { payload } = await socket.message(of('bad', 'error'))
    expect(payload).toHaveLength(1)
    await sendNotes(carillon, ['mistaken'])
    await answered(socket, 'good', 2)
    expect(socket.closed).toBeNull()
    await socket.end()
  })

  test('queries and mutations are answered too', async () => {
    const socket = await connect('asking')
    await sendNotes(carillon, ['asking'])
    socket.subscribe('1', 'mutation { markRead(input: { filter: {} }) { affectedCount counts { unread } } }')
    expect((await socket.message(of('1', 'next'))).payload.data).toEqual({
      markRead: { affectedCount: 1, counts: { unread: 0 } },
    })
    await socket.message(of('1', 'complete'))
    await socket.end()
  })
})

test('a socket carries fifty operations at once and no more, and what ends makes room', async () => {
  const before = carillon.app.hub.subscriberCount
  const socket = await connect('greedy')
  for (let id = 1; id <= 50; id += 1) {
    socket.subscribe(String(id), UPDATES)
    await answered(socket, String(id))
  }
  socket.subscribe('51', UPDATES)
  expect((await socket.message(of('51', 'error'))).payload[0].extensions.code).toBe('RATE_LIMITED')
  expect(carillon.app.hub.subscriberCount).toBe(before + 50)
  expect(socket.closed).toBeNull()
  socket.send({ type: 'complete', id: '7' })
  await until('one is freed', () => carillon.app.hub.subscriberCount === before + 49)
  socket.subscribe('again', UPDATES)
  await socket.message(of('again', 'next'))
  await socket.end()
})

// They are counted once their context is made, so that many at once pass the limit together.
test('fifty operations are the most also where seventy are asked for in one breath', async () => {
  const before = carillon.app.hub.subscriberCount
  const socket = await connect('hasty')
  for (let id = 1; id <= 70; id += 1) socket.subscribe(String(id), UPDATES)
  await until('all are answered', () => new Set(socket.messages.map(({ id }) => id).filter(Boolean)).size === 70)
  expect(socket.messages.filter(({ type }) => type === 'error')).toHaveLength(20)
  expect(carillon.app.hub.subscriberCount).toBe(before + 50)
  await socket.end()
})

test('a server that stops closes its sockets with 1001', async () => {
  const stopping = await startCarillon(notesConfig)
  const socket = await openRawSocket(stopping.wsUrl, { token: await stopping.tokenFor('ada') })
  socket.subscribe('1', UPDATES)
  await answered(socket, '1')
  await stopping.close()
  expect((await socket.closure()).code).toBe(1001)
})
