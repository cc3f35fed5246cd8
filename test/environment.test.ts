import { expect, test } from 'vitest'
import { readEnvironment } from '../server/environment.ts'

test.each([
  ['https://notify.example.test', 'https://notify.example.test'],
  ['https://notify.example.test/', 'https://notify.example.test'],
  ['https://Notify.Example.test/a//', 'https://notify.example.test/a'],
  ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
  ['', null],
])('the public address %j is %s', (given, publicUrl) => {
  expect(readEnvironment({ CARILLON_PUBLIC_URL: given }).publicUrl).toBe(publicUrl)
})

test.each([
  'ftp://example.test',
  'example.test',
  'https://a:b@example.test',
  'https://example.test/?a',
  'https://example.test/#a',
  // It goes into a header of every mail.
  'https://example.test\r\nBcc: eve@example.test',
])('the public address %j is refused', (given) => {
  expect(() => readEnvironment({ CARILLON_PUBLIC_URL: given })).toThrow('CARILLON_PUBLIC_URL must')
})

test.each(['redis://127.0.0.1:6379', 'rediss://:word@redis.example.test/1'])('Redis is at %s', (given) => {
  expect(readEnvironment({ CARILLON_REDIS_URL: given }).redisUrl).toBe(given)
  expect(readEnvironment({}).redisUrl).toBeNull()
})

test.each([
  ['CARILLON_REDIS_URL', 'http://127.0.0.1'],
  ['CARILLON_REDIS_URL', 'localhost'],
  ['CARILLON_ROLE', 'both'],
  ['CARILLON_URL', 'notify.example.test'],
  ['CARILLON_CONSOLE', 'yes'],
  ['CARILLON_STREAMS_PER_RECIPIENT', '0'],
  ['CARILLON_STREAMS_PER_RECIPIENT', '2.5'],
  ['CARILLON_STREAMS_PER_RECIPIENT', 'many'],
  ['CARILLON_METRICS_PORT', '70000'],
  ['CARILLON_METRICS_PORT', 'on'],
  ['CARILLON_LOG_LEVEL', 'loud'],
  ['CARILLON_CONNECTIONS_PER_POOL', '1'],
  ['CARILLON_CONNECTIONS_PER_POOL', '2.5'],
  ['CARILLON_DRAIN_SECONDS', '-1'],
  ['CARILLON_DRAIN_SECONDS', '301'],
  ['CARILLON_DRAIN_SECONDS', 'a while'],
])('%s=%s is refused by name', (name, given) => {
  expect(() => readEnvironment({ [name]: given })).toThrow(`${name} must`)
})

test('a process does everything unless it is told what to do', () => {
  expect(readEnvironment({}).role).toBe('all')
  expect(readEnvironment({ CARILLON_ROLE: 'worker' }).role).toBe('worker')
})

test('metrics have a door of their own where a port is given, on this machine unless another host is', () => {
  expect(readEnvironment({}).metrics).toBeNull()
  expect(readEnvironment({ CARILLON_METRICS_PORT: '9464' }).metrics).toEqual({ host: '127.0.0.1', port: 9464 })
  const elsewhere = { CARILLON_METRICS_PORT: '9464', CARILLON_METRICS_HOST: '10.0.0.7' }
  expect(readEnvironment(elsewhere).metrics).toEqual({ host: '10.0.0.7', port: 9464 })
})

test.each([
  ['', 5],
  ['0', 0],
  ['2.5', 2.5],
])('with CARILLON_DRAIN_SECONDS=%j it goes on answering for %j seconds', (given, drainSeconds) => {
  expect(readEnvironment({ CARILLON_DRAIN_SECONDS: given }).drainSeconds).toBe(drainSeconds)
})

test('each pool holds as many connections as are given', () => {
  expect(readEnvironment({}).connections).toBeNull()
  expect(readEnvironment({ CARILLON_CONNECTIONS_PER_POOL: '4' }).connections).toBe(4)
})
