import { afterAll, beforeAll, test } from 'vitest'
import WebSocket from 'ws'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { tallyOf } from './tally.ts'

const OURS = 'https://app.example.test'

let carillon: TestCarillon
const tally = tallyOf('S7')
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] }, { door: { origins: [OURS] } })
})
afterAll(async () => {
  await carillon.close()
  tally.report()
})

const MUTATION = 'mutation { createRecipientToken(input: { recipientId: "ada" }) { token } }'
const MULTIPART = [
  '--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n',
  JSON.stringify({ query: MUTATION }),
  '\r\n--x\r\ncontent-disposition: form-data; name="map"\r\n\r\n{}\r\n--x--\r\n',
].join('')

/** What a page elsewhere can send without asking first, and what looks like it. */
const REQUESTS: readonly (readonly [string | null, string])[] = [
  ['text/plain', JSON.stringify({ query: MUTATION })],
  ['text/plain;charset=UTF-8', JSON.stringify({ query: MUTATION })],
  ['text/plain; application/json', JSON.stringify({ query: MUTATION })],
  ['application/x-www-form-urlencoded', `query=${encodeURIComponent(MUTATION)}`],
  ['application/x-www-form-urlencoded; application/json', `query=${encodeURIComponent(MUTATION)}`],
  ['multipart/form-data; boundary=x', MULTIPART],
  ['multipart/form-data; boundary="x"', MULTIPART],
  ['application/graphql', MUTATION],
  ['application/jsonx', JSON.stringify({ query: MUTATION })],
  ['xapplication/json', JSON.stringify({ query: MUTATION })],
  ['application/json/x', JSON.stringify({ query: MUTATION })],
  ['', JSON.stringify({ query: MUTATION })],
  [null, JSON.stringify({ query: MUTATION })],
]

test('a request of a kind that a page elsewhere can send is not taken, with a credential either', async () => {
  const authorization = `Bearer ${carillon.backendKey}`
  for (const [type, body] of REQUESTS) {
    for (const method of ['POST', 'PUT']) {
      const response = await fetch(carillon.graphqlUrl, {
        method,
        headers: { authorization, ...(type !== null && { 'content-type': type }) },
        // Without a type of its own fetch would say what it is.
        body: new TextEncoder().encode(body),
      })
      const text = await response.text()
      tally.tried(`${method} of ${type}`, ![405, 415].includes(response.status) || text.includes('"token"'))
    }
  }
  for (const search of [
    `?query=${encodeURIComponent(MUTATION)}`,
    `?query=${encodeURIComponent('{ viewer { tenantId } }')}`,
  ]) {
    for (const accept of ['*/*', 'text/html', 'application/json', 'text/event-stream']) {
      const url = `${carillon.graphqlUrl}${search}`
      const text = await (await fetch(url, { headers: { authorization, accept } })).text()
      tally.tried(
        `GET ${search} for ${accept}`,
        text.includes('"token"') || (accept !== 'text/event-stream' && text.includes('acme')),
      )
      // A key is not taken from an address, and a browser adds none by itself.
      const bare = await fetch(`${url}&token=${carillon.backendKey}`, { headers: { accept } })
      tally.tried(`GET ${search} with a key in it`, bare.status !== 401)
      await bare.body?.cancel()
    }
  }
})

test('no answer allows cookies, and a page of another origin may read none', async () => {
  for (const origin of [
    'https://evil.example.test',
    'null',
    `${OURS}.evil.test`,
    `${OURS}:444`,
    'http://app.example.test',
  ]) {
    for (const method of ['OPTIONS', 'POST', 'GET']) {
      const response = await fetch(carillon.graphqlUrl, { method, headers: { origin, cookie: 'a=b' } })
      await response.body?.cancel()
      tally.tried(`${method} from ${origin}`, response.headers.has('access-control-allow-origin'))
      tally.tried(`${method} with a cookie`, response.headers.has('access-control-allow-credentials'))
    }
  }
})

test('a socket from a page of another origin is refused before it is one', async () => {
  for (const origin of [
    'https://evil.example.test',
    'null',
    `${OURS}.evil.test`,
    'http://app.example.test',
    '',
    'file://',
  ]) {
    const opened = await new Promise<boolean>((resolve) => {
      const socket = new WebSocket(carillon.wsUrl, 'graphql-transport-ws', { headers: { origin } })
      socket.on('open', () => resolve(true))
      socket.on('error', () => resolve(false))
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode !== 403))
    })
    tally.tried(`a socket from "${origin}"`, opened)
  }
})
