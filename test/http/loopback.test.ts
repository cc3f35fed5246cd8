import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { isLoopback, mayShowKeys } from '../../server/http/loopback.ts'

const requestFrom = (remoteAddress: string | undefined, headers: IncomingMessage['headers']): IncomingMessage =>
  ({ socket: { remoteAddress }, headers }) as IncomingMessage

test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])('who calls from %s is at this machine', (address) => {
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'localhost:4000', '127.0.0.1:4', '[::1]:65535']) {
    expect([host, isLoopback(requestFrom(address, { host }))]).toEqual([host, true])
  }
})

test.each([
  undefined,
  '',
  '203.0.113.5',
  '10.127.0.1',
  '1127.0.0.1',
  '128.0.0.1',
  '::ffff:10.127.0.1',
  '::127.0.0.1',
  '::11',
  '1::1',
  '2001:db9::1',
  'a::ffff:127.0.0.1',
])('who calls from %s is not, by whatever name', (address) => {
  for (const host of ['localhost', '127.0.0.1', '[::1]:4000']) {
    expect(isLoopback(requestFrom(address, { host }))).toBe(false)
  }
})

test.each([
  undefined,
  '',
  ':4000',
  'attacker.example',
  'localhost.attacker.example:4000',
  'attacker.localhost',
  'localhost:4000.attacker.example',
  'localhost:',
  'localhost:4000x',
  'localhost:40:00',
  '127.0.0.2',
  '::1',
])('the name %j is none of this machine’s own', (host) => {
  expect(isLoopback(requestFrom('127.0.0.1', { host }))).toBe(false)
})

test.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'])(
  'whoever comes with the header %s, and be it empty, is not at this machine',
  (name) => {
    for (const value of ['', '127.0.0.1']) {
      expect(isLoopback(requestFrom('127.0.0.1', { host: 'localhost', [name]: value }))).toBe(false)
    }
  },
)

test('a page with keys is shown to this machine, and refused to any other in words that say why', () => {
  const answerTo = (host: string) => {
    const response = new ServerResponse(new IncomingMessage(new Socket()))
    const written: unknown[] = []
    const end = response.end.bind(response)
    response.end = ((chunk: unknown) => end(written.push(chunk) > 0 ? chunk : '')) as typeof response.end
    const may = mayShowKeys('The console', requestFrom('127.0.0.1', { host }), response)
    return {
      may,
      status: response.statusCode,
      ended: response.writableEnded,
      type: response.getHeader('content-type'),
      written,
    }
  }
  expect(answerTo('localhost')).toEqual({ may: true, status: 200, ended: false, type: undefined, written: [] })
  expect(answerTo('attacker.example')).toMatchObject({ may: false, status: 403, ended: true })
  expect(answerTo('attacker.example').written).toEqual([
    'The console with the development keys is shown at http://localhost alone, and through no proxy\n',
  ])
})
