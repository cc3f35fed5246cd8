import { once } from 'node:events'
import { afterAll, beforeAll, test } from 'vitest'
import WebSocket from 'ws'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { tallyOf } from './tally.ts'

let carillon: TestCarillon
const tally = tallyOf('S8')
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] }, { streams: { perRecipient: 5, initWithinMs: 500 } })
})
afterAll(async () => {
  await carillon.close()
  tally.report()
})

const INIT = () => JSON.stringify({ type: 'connection_init', payload: { token: carillon.operatorKey } })
const subscribe = (id: unknown, query: unknown = '{ viewer { tenantId } }'): string =>
  JSON.stringify({ type: 'subscribe', id, payload: { query } })

/** The code that a socket is closed with after these messages, each sent as it stands. */
const closedAfter = async (...messages: readonly (string | Buffer)[]): Promise<number> => {
  const socket = new WebSocket(carillon.wsUrl, 'graphql-transport-ws')
  socket.on('error', () => {})
  await once(socket, 'open')
  for (const message of messages) socket.send(message)
  const [code] = await once(socket, 'close')
  return code as number
}

const MAX_MESSAGE = 512 * 1024

/** Each with how it is closed. */
const ATTACKS: readonly (readonly [string, () => readonly (string | Buffer)[], number])[] = [
  ['says nothing', () => [], 4408],
  ['introduces itself twice', () => [INIT(), INIT()], 4429],
  [
    'introduces itself twice without a credential',
    () => ['{"type":"connection_init"}', '{"type":"connection_init"}'],
    4429,
  ],
  ['introduces itself with a list', () => ['{"type":"connection_init","payload":[]}'], 4400],
  ['has no credential', () => ['{"type":"connection_init"}'], 4403],
  ['has nonsense for a credential', () => ['{"type":"connection_init","payload":{"token":"__proto__"}}'], 4403],
  ['has an object for a credential', () => ['{"type":"connection_init","payload":{"token":{"a":1}}}'], 4403],
  ['asks before it is acknowledged', () => [subscribe('1')], 4401],
  ['asks in one breath with its introduction', () => [INIT(), subscribe('1')], 4401],
  ['sends no JSON', () => ['{'], 4400],
  ['sends nothing in a message', () => [''], 4400],
  ['sends null', () => ['null'], 4400],
  ['sends a list', () => ['[]'], 4400],
  ['sends a type that there is not', () => ['{"type":"start"}'], 4400],
  ['sends a type of JavaScript’s', () => ['{"type":"__proto__"}'], 4400],
  ['sends a type that is no text', () => ['{"type":{}}'], 4400],
  ['subscribes without an id', () => [INIT(), '{"type":"subscribe","payload":{"query":"{ __typename }"}}'], 4400],
  ['subscribes with a number for an id', () => [INIT(), subscribe(1)], 4400],
  ['subscribes with an empty id', () => [INIT(), subscribe('')], 4400],
  ['subscribes to nothing', () => [INIT(), subscribe('1', null)], 4400],
  [
    'subscribes with a list for variables',
    () => [INIT(), '{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","variables":[]}}'],
    4400,
  ],
  ['completes without an id', () => [INIT(), '{"type":"complete"}'], 4400],
  ['sends a million brackets', () => ['['.repeat(400_000)], 4400],
  ['sends noise in binary', () => [Buffer.from([0, 1, 2, 255])], 4400],
  ['sends a message of one byte too many', () => ['x'.repeat(MAX_MESSAGE + 1)], 1009],
  ['sends a message that is just small enough, and no JSON', () => ['x'.repeat(MAX_MESSAGE)], 4400],
  ['sends a message of 4 MB in binary', () => [Buffer.alloc(4_000_000)], 1009],
]

test.each(ATTACKS)('a socket that %s is closed', async (what, messages, expected) => {
  const code = await closedAfter(...messages())
  tally.tried(`${what}: ${code}`, code !== expected)
})

test('a message in many pieces is too large all the same', async () => {
  const socket = new WebSocket(carillon.wsUrl, 'graphql-transport-ws')
  socket.on('error', () => {})
  await once(socket, 'open')
  const closed = once(socket, 'close')
  for (let piece = 0; piece < 600; piece++) socket.send('x'.repeat(1024), { fin: false })
  tally.tried('in pieces', (await closed)[0] !== 1009)
})

test('nothing is unpacked: a packed bomb is no message', async () => {
  const socket = new WebSocket(carillon.wsUrl, 'graphql-transport-ws', { perMessageDeflate: true })
  await once(socket, 'open')
  tally.tried('permessage-deflate', socket.extensions !== '')
  socket.terminate()
})

test('ids that mean something in JavaScript are ids, and 10,000 pings and 1,000 operations leave the server as it was', async () => {
  const socket = await openRawSocket(carillon.wsUrl, { token: carillon.operatorKey })
  for (const id of ['__proto__', 'constructor', 'toString', 'then', ' ', '\u0000', 'x'.repeat(10_000)]) {
    socket.subscribe(id, '{ viewer { tenantId } }')
    const { type } = await socket.message((message) => message.id === id && message.type !== 'complete')
    tally.tried(`the id ${id.slice(0, 20)}`, type !== 'next')
  }
  for (let ping = 0; ping < 10_000; ping++) socket.send({ type: 'ping' })
  await socket.message(() => socket.messages.filter(({ type }) => type === 'pong').length === 10_000)
  tally.tried('10,000 pings', socket.closed !== null)
  for (let id = 0; id < 1_000; id++) socket.subscribe(`s${id}`, 'subscription { deliveryUpdates { id } }')
  const refused = () => socket.messages.filter(({ id, type }) => id?.startsWith('s') && type === 'error')
  await socket.message(() => refused().length === 950)
  tally.tried('1,000 operations', socket.closed !== null || carillon.app.tail.followerCount > 50)
  await socket.end()
})

test('a thousand sockets of one recipient are five', async () => {
  const token = await carillon.tokenFor('greedy')
  const sockets = []
  for (let round = 0; round < 20; round++) {
    sockets.push(...(await Promise.all(Array.from({ length: 10 }, () => openRawSocket(carillon.wsUrl, { token })))))
  }
  tally.tried('sockets', sockets.filter(({ closed }) => closed === null).length > 5)
  for (const socket of sockets) await socket.end()
})
