import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { countedAddress } from '../../server/http/remote-address.ts'

const requestFrom = (remoteAddress: string | undefined, forwarded?: string): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage

test.each([
  ['198.51.100.7', '198.51.100.7'],
  ['::ffff:198.51.100.7', '198.51.100.7'],
  ['2001:db9:1:2:3:4:5:6', '2001:db9:1:2'],
  ['2001:db9:1:2::', '2001:db9:1:2'],
  ['127.0.0.1', null],
  ['::1', null],
  ['::ffff:127.0.0.1', null],
  ['10.0.0.1', null],
  ['172.16.0.1', null],
  ['192.168.0.1', null],
  ['100.64.0.1', null],
  ['169.254.1.1', null],
  ['fe80::1', null],
  ['fd12:3456::1', null],
  [undefined, null],
])('a request from %s is counted by %s', (remoteAddress, counted) => {
  const parts = counted?.includes(':')
    ? counted
        .split(':')
        .map((part) => Number.parseInt(part, 16))
        .join(':')
    : counted
  expect(countedAddress(requestFrom(remoteAddress), 0)).toBe(parts)
})

const PROXY = '10.0.0.9'

test.each([
  [0, '198.51.100.7', '203.0.113.200', '203.0.113.200'],
  [1, '198.51.100.7', PROXY, '198.51.100.7'],
  [1, '198.51.100.1, 198.51.100.7', PROXY, '198.51.100.7'],
  [2, '198.51.100.1, 198.51.100.7', PROXY, '198.51.100.1'],
  [2, '198.51.100.1,198.51.100.2 , 198.51.100.7', PROXY, '198.51.100.2'],
  [1, '198.51.100.7:4711', PROXY, '198.51.100.7'],
  [1, '[2606:4700:1:2::1]:4711', PROXY, '9734:18176:1:2'],
  [1, '198.51.100.17:4', PROXY, '198.51.100.17'],
  [1, '[2606:4700:1:2::1]', PROXY, '9734:18176:1:2'],
  // Neither an address nor one with a port.
  [1, 'x198.51.100.7:4711', PROXY, null],
  [1, '198.51.100.7:4711x', PROXY, null],
  [1, 'x[2606:4700:1:2::1]:4711', PROXY, null],
  [1, '[2606:4700:1:2::1]:4711x', PROXY, null],
  [3, '198.51.100.7', PROXY, '198.51.100.7'],
  [1, undefined, '203.0.113.200', '203.0.113.200'],
  [1, '', '203.0.113.200', '203.0.113.200'],
  [1, 'unknown', '203.0.113.200', '203.0.113.200'],
  [1, '10.1.2.3', '203.0.113.200', '203.0.113.200'],
  [1, '10.1.2.3', PROXY, null],
])('behind %s proxies that say %j, from %s, it is counted by %s', (proxies, forwarded, remoteAddress, counted) => {
  expect(countedAddress(requestFrom(remoteAddress, forwarded), proxies)).toBe(counted)
})

test.each(['10.0.0.1', '127.0.0.1', '::1', 'fd00::1', '100.64.0.1', 'unknown', '', '__proto__', '1', '0x7f.1', ' , '])(
  'whoever asks the inner of two proxies, and writes %j into the header, is counted all the same',
  (written) => {
    expect(countedAddress(requestFrom(PROXY, `${written}, 203.0.113.5`), 2)).toBe('203.0.113.5')
  },
)
