import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { openRawSocket, type SocketMessage } from '../support/raw-socket.ts'
import { until } from '../support/until.ts'
import { notesConfig, sendNotes } from './notes.ts'

const UPDATES = 'subscription { inboxUpdates { counts { total } } }'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(notesConfig)
})
afterAll(() => carillon.close())

const connect = async (recipientId: string) =>
  openRawSocket(carillon.wsUrl, { token: await carillon.tokenFor(recipientId) })

/** How a socket is closed that says this, word for word. */
const closureAfter = async (
  said: string | Buffer,
  { acknowledged = true, protocol = 'graphql-transport-ws' } = {},
): Promise<number> => {
  const socket = new WebSocket(carillon.wsUrl, protocol)
  socket.on('error', () => {})
  const closed = new Promise<number>((resolve) => void socket.once('close', resolve))
  await once(socket, 'open')
  if (acknowledged) {
    socket.send(JSON.stringify({ type: 'connection_init', payload: { token: await carillon.tokenFor('speaker') } }))
    await once(socket, 'message')
  }
  socket.send(said)
  return closed
}
const subscribeMessage = (payload: unknown, id: unknown = '1') => JSON.stringify({ type: 'subscribe', id, payload })

test.each([
  ['no JSON', 'hello'],
  ['no object', '[]'],
  ['null', 'null'],
  ['a message without a type', '{}'],
  ['an unknown type', '{"type":"next","id":"1","payload":{}}'],
  ['a type that every object has', '{"type":"constructor"}'],
  ['an operation without an id', subscribeMessage({ query: UPDATES }, null)],
  ['an operation with an empty id', subscribeMessage({ query: UPDATES }, '')],
  ['an operation with a number for an id', subscribeMessage({ query: UPDATES }, 7)],
  ['an operation without a document', subscribeMessage({})],
  ['variables that are a list', subscribeMessage({ query: UPDATES, variables: [] })],
  ['a name that is none', subscribeMessage({ query: UPDATES, operationName: 7 })],
  ['a ping with a text', '{"type":"ping","payload":"hello"}'],
  ['an end without an id', '{"type":"complete"}'],
])('%s closes the socket with 4400', async (_, said) => {
  expect(await closureAfter(said)).toBe(4400)
})

describe('what answers a client', () => {
  const SAID = 'x'.repeat(256 * 1024)
  /** More than both ends of a connection keep for one that does not read, and 1 MiB. */
  const TIMES = 200

  test.each([
    ['pongs', () => JSON.stringify({ type: 'ping', payload: { SAID } })],
    ['refusals', (n: number) => subscribeMessage({ query: '{' }, `${n}${SAID}`)],
  ])('is kept up to 1 MiB: a socket that never reads its %s is closed with 4429', async (_, sayingOf) => {
    const token = await carillon.tokenFor('speaker')
    const socket = new WebSocket(carillon.wsUrl, 'graphql-transport-ws')
    socket.on('error', () => {})
    let answers = 0
    socket.on('message', () => {
      answers += 1
    })
    const closed = once(socket, 'close')
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init', payload: { token } }))
    await once(socket, 'message')
    socket.pause()
    for (let n = 0; n < TIMES; n += 1) await new Promise<unknown>((sent) => void socket.send(sayingOf(n), sent))
    socket.resume()
    expect((await closed)[0]).toBe(4429)
    expect(answers).toBeLessThan(TIMES)
  })

  test('repeats nothing of a ping until it has said who it is', async () => {
    const socket = await openRawSocket(carillon.wsUrl)
    const ping = { type: 'ping', payload: { at: 1 } }
    socket.send(ping)
    expect(await socket.message(({ type }) => type === 'pong')).toEqual({ type: 'pong' })
    socket.send({ type: 'connection_init', payload: { token: await carillon.tokenFor('speaker') } })
    await socket.message(({ type }) => type === 'connection_ack')
    socket.send(ping)
    expect(await socket.message(({ payload }) => payload?.at === 1)).toEqual({ type: 'pong', payload: { at: 1 } })
    await socket.end()
  })
})

test('a message that is too large closes the socket with 1009', async () => {
  expect(await closureAfter('x'.repeat(512 * 1024 + 1))).toBe(1009)
})

test('an operation before the socket is acknowledged closes it with 4401', async () => {
  expect(await closureAfter(subscribeMessage({ query: UPDATES }), { acknowledged: false })).toBe(4401)
})

test('a second introduction closes the socket with 4429', async () => {
  expect(await closureAfter('{"type":"connection_init"}')).toBe(4429)
})

test('an id that is in use closes the socket with 4409', async () => {
  const socket = await connect('twice')
  socket.subscribe('1', UPDATES)
  socket.subscribe('1', UPDATES)
  expect((await socket.closure()).code).toBe(4409)
})

test('a socket of another protocol is closed with 4406', async () => {
  const socket = new WebSocket(carillon.wsUrl)
  const [code] = await once(socket, 'close')
  expect(code).toBe(4406)
})

test('a socket at another path is refused', async () => {
  const socket = new WebSocket(carillon.wsUrl.replace('/graphql', '/other'))
  const [error] = await once(socket, 'error')
  expect(error.message).toContain('404')
})

test.each(['__proto__', 'constructor', 'toString', '💥', 'x'.repeat(1_000)])(
  'an operation may be called %j',
  async (id) => {
    const socket = await connect('odd-names')
    socket.subscribe(id, UPDATES)
    await until('it is answered', () => socket.answers(id).length === 1)
    socket.send({ type: 'complete', id })
    socket.subscribe('next', UPDATES)
    await until('the next one is', () => socket.answers('next').length === 1)
    expect(socket.closed).toBeNull()
    await socket.end()
  },
)

describe('an operation that is completed', () => {
  test('while it is being begun leaves nothing behind, and its id can be used again at once', async () => {
    const before = carillon.app.hub.subscriberCount
    const socket = await connect('hasty')
    for (let round = 0; round < 20; round += 1) {
      socket.subscribe('1', UPDATES)
      socket.send({ type: 'complete', id: '1' })
    }
    socket.subscribe('1', UPDATES)
    await until('the last one is answered', () => socket.answers('1').some(({ type }) => type === 'next'))
    await until('the others are freed', () => carillon.app.hub.subscriberCount === before + 1)
    expect(socket.closed).toBeNull()
    await socket.end()
  })

  test('is told nothing more', async () => {
    const socket = await connect('done')
    socket.subscribe('1', UPDATES)
    socket.subscribe('2', UPDATES)
    await until('both are answered', () => socket.messages.length === 3)
    socket.send({ type: 'complete', id: '1' })
    socket.send({ type: 'ping' })
    await socket.message(({ type }: SocketMessage) => type === 'pong')
    await sendNotes(carillon, ['done'])
    await until('the other one is told', () => socket.answers('2').length === 2)
    expect(socket.answers('1')).toHaveLength(1)
    await socket.end()
  })
})

test('the end of an operation is told after its id is free', async () => {
  const socket = await connect('chained')
  for (let round = 0; round < 5; round += 1) {
    const before = socket.answers('1').length
    socket.subscribe('1', '{ viewer { recipientId } }')
    await until('it is complete', () =>
      socket
        .answers('1')
        .slice(before)
        .some(({ type }) => type === 'complete'),
    )
  }
  socket.subscribe('1', '{ nothingLikeIt }')
  await until('it is refused', () => socket.answers('1').some(({ type }) => type === 'error'))
  socket.subscribe('1', '{ viewer { recipientId } }')
  await until('it is answered', () => socket.answers('1').at(-1)?.type === 'complete')
  expect(socket.closed).toBeNull()
  await socket.end()
})
