import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { tallyOf } from './tally.ts'

let carillon: TestCarillon
const tally = tallyOf('S23')
beforeAll(async () => {
  const timeouts = { headersMs: 400, requestMs: 800, silenceMs: 1_500 }
  carillon = await startCarillon({ notifiers: [] }, { door: { timeouts } })
})
afterAll(async () => {
  await carillon.close()
  tally.report()
})

/** A connection that sends what it is told, byte by byte where it is told so, and never more. */
const open = (first: string, dribble?: string): { readonly socket: Socket; readonly answer: Promise<string> } => {
  const { hostname, port } = new URL(carillon.graphqlUrl)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => {})
  socket.write(first)
  const dribbling = dribble === undefined ? undefined : setInterval(() => socket.write(dribble), 50)
  const answer = new Promise<string>((resolve) => socket.on('close', () => resolve(text))).finally(() =>
    clearInterval(dribbling),
  )
  return { socket, answer }
}

const HEAD = () =>
  `POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${carillon.operatorKey}\r\ncontent-type: application/json\r\n`

test.each<[string, () => ReturnType<typeof open>]>([
  ['says nothing', () => open('')],
  ['sends half a line', () => open('POST /grap')],
  ['sends headers without an end', () => open(HEAD(), 'x-more: x\r\n')],
  ['sends one header letter by letter', () => open(`${HEAD()}x-long: `, 'x')],
  ['announces a body and sends none', () => open(`${HEAD()}content-length: 100\r\n\r\n`)],
  ['sends a body letter by letter', () => open(`${HEAD()}content-length: 100000\r\n\r\n{"query":"`, ' ')],
  ['sends a body in pieces without an end', () => open(`${HEAD()}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n')],
])('whoever %s is let go, and others are answered meanwhile', async (what, begin) => {
  const slow = [begin(), begin(), begin()]
  const others = await Promise.all(
    Array.from({ length: 5 }, () => carillon.ask(carillon.operatorKey, '{ viewer { tenantId } }')),
  )
  tally.tried(
    `${what}: others`,
    others.some(({ data }) => data?.viewer.tenantId !== 'acme'),
  )
  for (const answer of await Promise.all(slow.map((one) => one.answer))) {
    tally.tried(what, !/^$|^HTTP\/1\.1 408 /.test(answer))
    expect(answer).toMatch(/^$|^HTTP\/1\.1 408 /)
  }
})

test('whoever does not read what it is answered is let go', async () => {
  const body = JSON.stringify({
    query: '{ __schema { types { name description fields { name description args { name description } } } } }',
  })
  const request = `${HEAD()}content-length: ${body.length}\r\n\r\n${body}`
  const { socket, answer } = open(request.repeat(100))
  socket.pause()
  // One that reads nothing hears nothing of its end: it is seen from the other side.
  const ended = await new Promise<boolean>((resolve) => {
    const look = setInterval(() => {
      socket.write('x', (error) => {
        if (!error) return
        clearInterval(look)
        resolve(true)
      })
    }, 100)
  })
  tally.tried('reads nothing', !ended)
  socket.destroy()
  await answer
})

test('headers larger than 16 KiB are refused', async () => {
  for (const [head, status] of [
    [`${HEAD()}x-large: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    [`${HEAD()}${'x-many: y\r\n'.repeat(3_000)}\r\n`, 431],
    [`POST /graphql?${'x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431],
    ['POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n12345', 400],
    ['POST /graphql HTTP/1.1\r\n\r\n', 400],
  ] as const) {
    const text = await open(head).answer
    tally.tried(head.slice(0, 80), !text.startsWith(`HTTP/1.1 ${status} `))
  }
})
