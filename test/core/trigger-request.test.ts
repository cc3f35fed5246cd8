import { expect, test } from 'vitest'
import type { Recipient } from '../../server/core/recipient.ts'
import {
  payloadFault,
  recipientFault,
  requestIdentity,
  requestIdFault,
  type TriggerRequest,
} from '../../server/core/trigger-request.ts'

const REQUEST: TriggerRequest = { notificationKey: 'k', payload: { a: 1 }, idempotencyKey: 'one' }

/** A JSON object of exactly this many bytes. */
const ofBytes = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) })

test('a payload of 256 KiB is taken, and of one byte more refused', () => {
  expect(payloadFault(ofBytes(262_144), ['p'])).toBeNull()
  expect(payloadFault(ofBytes(262_145), ['p'])).toEqual({ path: ['p'], message: 'is larger than 256 KiB' })
})

test('a payload is measured in bytes, not in characters', () => {
  expect(payloadFault({ a: '€'.repeat(90_000) }, ['p'])?.message).toBe('is larger than 256 KiB')
})

test.each(['idempotencyKey', 'actorId', 'correlationId'] as const)(
  'a request whose %s is blank, too long or cannot be stored is refused',
  (field) => {
    const faultOf = (value: string) => requestIdFault({ ...REQUEST, [field]: value }, ['input'])
    expect(faultOf('x'.repeat(255))).toBeNull()
    expect(faultOf('x'.repeat(256))).toEqual({ path: ['input', field], message: 'is longer than 255 characters' })
    expect(faultOf(' \t')).toEqual({ path: ['input', field], message: 'is blank' })
    expect(faultOf('a\0')?.path).toEqual(['input', field])
    expect(faultOf('a\uD800')?.path).toEqual(['input', field])
  },
)

test('what is left out or null of the optional ids is no fault', () => {
  expect(requestIdFault(REQUEST, [])).toBeNull()
  expect(requestIdFault({ ...REQUEST, actorId: null, correlationId: null }, [])).toBeNull()
})

const ADA = { id: 'ada' }

test.each<[string, unknown, readonly (string | number)[], string]>([
  ['no object', 'ada', ['id'], 'must be text'],
  ['null', null, ['id'], 'must be text'],
  ['an id that is no text', { id: 7 }, ['id'], 'must be text'],
  ['a blank id', { id: '  ' }, ['id'], 'is blank'],
  ['an id too long', { id: 'x'.repeat(256) }, ['id'], 'is longer than 255 characters'],
  ['a type that is no text', { ...ADA, type: 7 }, ['type'], 'must be text'],
  ['a type of null', { ...ADA, type: null }, ['type'], 'is blank'],
  ['a blank type', { ...ADA, type: ' ' }, ['type'], 'is blank'],
  ['a name that is no text', { ...ADA, displayName: {} }, ['displayName'], 'must be text'],
  ['an email with NUL', { ...ADA, email: 'a\0' }, ['email'], 'contains a NUL character or a lone surrogate'],
  ['a phone too long', { ...ADA, phone: '1'.repeat(2001) }, ['phone'], 'is longer than 2000 characters'],
  ['a zone that does not exist', { ...ADA, timeZone: 'Mars/Phobos' }, ['timeZone'], 'is not an IANA time zone name'],
  ['an offset for a zone', { ...ADA, timeZone: '+02:00' }, ['timeZone'], 'is not an IANA time zone name'],
  ['an empty zone', { ...ADA, timeZone: '' }, ['timeZone'], 'is not an IANA time zone name'],
  ['a locale with an underscore', { ...ADA, locale: 'de_CH' }, ['locale'], 'is not a BCP 47 tag'],
  ['data that is no JSON', { ...ADA, data: { a: [1n] } }, ['data', 'a', 0], 'is a bigint, not JSON'],
  ['addresses that are no list', { ...ADA, addresses: {} }, ['addresses'], 'must be a list'],
  ['an address that is none', { ...ADA, addresses: [null] }, ['addresses', 0, 'channel'], 'must be text'],
  ['a blank channel', { ...ADA, addresses: [{ channel: '', address: 'x' }] }, ['addresses', 0, 'channel'], 'is blank'],
  ['a blank address', { ...ADA, addresses: [{ channel: 'c', address: '' }] }, ['addresses', 0, 'address'], 'is blank'],
  [
    'an address too long for its index',
    { ...ADA, addresses: [{ channel: 'c', address: '€'.repeat(342) }] },
    ['addresses', 0, 'address'],
    'is longer than 1024 bytes',
  ],
])('a recipient with %s is refused, and the field is named', (_, recipient, path, message) => {
  expect(recipientFault(recipient as Recipient, ['r'])).toEqual({ path: ['r', ...path], message })
})

test('a recipient with everything, and with everything removed, is taken', () => {
  const everything: Recipient = {
    id: 'x'.repeat(255),
    type: 'bot',
    displayName: 'Ada',
    email: 'ada@example.test',
    phone: '+491701234567',
    timeZone: 'Europe/Berlin',
    locale: 'de-CH',
    data: { team: ['a', 'b'] },
    addresses: [{ channel: 'push', address: '{"endpoint":"https://push.example.test/1"}' }],
  }
  expect(recipientFault(everything, [])).toBeNull()
  const removed = { id: 'a', displayName: null, email: null, phone: null, timeZone: null, locale: null, data: null }
  expect(recipientFault(removed, [])).toBeNull()
})

test('a request is the same whatever the order of its names, and with another correlation id', () => {
  const one = { ...REQUEST, payload: { a: 1, b: { c: 2, d: 3 } }, correlationId: 'x' }
  const other = { ...REQUEST, payload: { b: { d: 3, c: 2 }, a: 1 }, correlationId: 'y' }
  expect(requestIdentity(one, null)).toBe(requestIdentity(other, null))
})

test.each([
  ['key', { notificationKey: 'other' }],
  ['payload', { payload: { a: 2 } }],
  ['actor', { actorId: 'ada' }],
])('a request with another %s is another request', (_, change) => {
  expect(requestIdentity({ ...REQUEST, ...change }, null)).not.toBe(requestIdentity(REQUEST, null))
})

test('no recipients and an empty list of them are two different requests', () => {
  expect(requestIdentity(REQUEST, null)).not.toBe(requestIdentity(REQUEST, []))
})
