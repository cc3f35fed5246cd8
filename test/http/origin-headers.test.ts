import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { originsOf } from '../../server/http/origins.ts'

const OURS = 'https://app.example.test'
const list = originsOf([OURS, 'http://localhost:3000'])
const everybody = originsOf(null)

const requestOf = (headers: IncomingMessage['headers']): IncomingMessage => ({ headers }) as IncomingMessage
const told = (tell: (request: IncomingMessage, response: ServerResponse) => void, origin: string | undefined) => {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  tell(requestOf({ origin }), response)
  return { ...response.getHeaders() }
}

const BEFORE = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'authorization, content-type, accept, traceparent, tracestate',
  'access-control-max-age': '86400',
}

test('without a list every page may read answers, and send what the SDK sends', () => {
  const headers = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'retry-after' }
  for (const origin of [OURS, 'https://evil.example.test', 'null', undefined]) {
    expect(told(everybody.tell, origin)).toEqual(headers)
    expect(told(everybody.tellBefore, origin)).toEqual({ ...headers, ...BEFORE })
  }
})

test('with a list the pages on it may, and are named', () => {
  for (const origin of [OURS, 'http://localhost:3000']) {
    const headers = {
      vary: 'origin',
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'retry-after',
    }
    expect(told(list.tell, origin)).toEqual(headers)
    expect(told(list.tellBefore, origin)).toEqual({ ...headers, ...BEFORE })
  }
})

test.each([undefined, '', 'null', 'https://evil.example.test', `${OURS}.evil.test`, `${OURS}:8443`, `${OURS}/`])(
  'with a list a page of %s is told nothing but that the answer depends on who asks',
  (origin) => {
    expect(told(list.tell, origin)).toEqual({ vary: 'origin' })
    expect(told(list.tellBefore, origin)).toEqual({ vary: 'origin' })
  },
)

test.each([
  [undefined, 'notify.example.test', true],
  [OURS, 'notify.example.test', true],
  ['https://notify.example.test', 'notify.example.test', true],
  ['http://localhost:4000', 'localhost:4000', true],
  ['http://localhost:4001', 'localhost:4000', false],
  ['https://evil.example.test', 'notify.example.test', false],
  ['https://notify.example.test', undefined, false],
  ['null', undefined, false],
  ['nonsense', 'nonsense', false],
  ['', '', false],
])('with a list a page of %j may open a socket to %j: %s', (origin, host, may) => {
  expect(list.mayConnect(requestOf({ origin, host }))).toBe(may)
  expect(everybody.mayConnect(requestOf({ origin, host }))).toBe(true)
})
