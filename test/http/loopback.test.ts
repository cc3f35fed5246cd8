import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
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

test('a page with keys is shown to this machine, and refused to any other in words that say why', async () => {
  const server = createServer((request, response) => {
    if (mayShowKeys('The console', request, response)) response.end('the keys')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const answerTo = async (headers: Record<string, string>) => {
    const response = await fetch(url, { headers })
    return [response.status, response.headers.get('content-type'), await response.text()]
  }
  try {
    expect(await answerTo({})).toEqual([200, null, 'the keys'])
    expect(await answerTo({ via: '1.1 gateway' })).toEqual([
      403,
      'text/plain',
      'The console with the development keys is shown at http://localhost alone, and through no proxy\n',
    ])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
