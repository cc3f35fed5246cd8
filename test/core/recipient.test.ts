import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addressesFor,
  isBareRecipient,
  mergeRecipient,
  normaliseRecipients,
  type Recipient,
} from '../../server/core/recipient.ts'

const id = fc.string({ minLength: 1, maxLength: 4 }).filter((text) => text.trim() !== '')

test('the order of the input never changes the result', () => {
  const shuffled = fc
    .uniqueArray(id, { selector: (text) => text.trim() })
    .map((ids) => ids.map((id) => ({ id, displayName: `name of ${id.trim()}` })))
    .chain((recipients) =>
      fc.tuple(
        fc.constant(recipients),
        fc.shuffledSubarray(recipients, { minLength: recipients.length }),
        fc.option(id),
      ),
    )
  fc.assert(
    fc.property(shuffled, ([recipients, others, actorId]) => {
      expect(normaliseRecipients(others, actorId)).toEqual(normaliseRecipients(recipients, actorId))
    }),
  )
})

test('each is there once, trimmed and in order, and the actor is not', () => {
  fc.assert(
    fc.property(fc.array(id), fc.option(id), (ids, actorId) => {
      const actor = actorId?.trim() ?? null
      const result = normaliseRecipients(
        ids.map((id) => ({ id })),
        actor,
      ).map(({ id }) => id)
      const expected = [...new Set(ids.map((id) => id.trim()))].filter((id) => id !== actor).sort()
      expect(result).toEqual(expected)
    }),
  )
})

test('of one id given twice the first wins, with all that it says', () => {
  const recipients = [{ id: ' ada', email: 'first@example.test' }, { id: 'ada ', phone: '1' }, { id: 'bob' }]
  expect(normaliseRecipients(recipients, null)).toEqual([{ id: 'ada', email: 'first@example.test' }, { id: 'bob' }])
})

const STORED: Recipient = {
  id: 'ada',
  type: 'bot',
  displayName: 'Ada',
  email: 'ada@example.test',
  phone: '+49170',
  timeZone: 'Europe/Berlin',
  locale: 'de',
  data: { a: 1 },
  addresses: [{ channel: 'push', address: 'one' }],
}

test('what is left out stays as it was stored', () => {
  expect(mergeRecipient(STORED, { id: 'ada' })).toEqual(STORED)
})

test('null removes, and leaves what a recipient always has', () => {
  const removed = { id: 'ada', displayName: null, email: null, phone: null, timeZone: null, locale: null, data: null }
  const expected = { ...removed, type: 'bot', data: {}, addresses: STORED.addresses }
  expect(mergeRecipient(STORED, removed)).toEqual(expected)
})

test('a recipient of whom nothing is stored is a user without details', () => {
  const nothing = { displayName: null, email: null, phone: null, timeZone: null, locale: null, data: {}, addresses: [] }
  expect(mergeRecipient(undefined, { id: 'bob' })).toEqual({ id: 'bob', type: 'user', ...nothing })
})

test('addresses are added to those there are, each once for its channel', () => {
  const given = [
    { channel: 'push', address: 'one' },
    { channel: 'push', address: 'two' },
    { channel: 'chat', address: 'one' },
  ]
  const { addresses } = mergeRecipient(STORED, { id: 'ada', addresses: given })
  expect(addresses).toEqual([{ channel: 'push', address: 'one' }, ...given.slice(1)])
})

test('a recipient is bare where nothing but its id was given', () => {
  expect(isBareRecipient({ id: 'ada' })).toBe(true)
  expect(isBareRecipient({ id: 'ada', data: undefined })).toBe(true)
  expect(isBareRecipient({ id: 'ada', email: null })).toBe(false)
})

test('e-mail goes to the address, sms to the phone, and further addresses come after', () => {
  const recipient: Recipient = {
    ...STORED,
    addresses: [
      { channel: 'email', address: 'second@example.test' },
      { channel: 'email', address: 'ada@example.test' },
      { channel: 'push', address: 'device' },
    ],
  }
  expect(addressesFor(recipient, 'email')).toEqual(['ada@example.test', 'second@example.test'])
  expect(addressesFor(recipient, 'sms')).toEqual(['+49170'])
  expect(addressesFor(recipient, 'push')).toEqual(['device'])
  expect(addressesFor({ id: 'bob' }, 'email')).toEqual([])
})
