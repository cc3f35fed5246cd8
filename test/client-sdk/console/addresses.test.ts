import fc from 'fast-check'
import { expect, test } from 'vitest'
import { filterOf } from '../../../client-sdk/console/deliveries/filter.ts'
import { addressOf, PLACES, readRoute } from '../../../client-sdk/console/route.ts'
import { isUuid, nodeId, typeOfNodeId } from '../../../client-sdk/console/search/node-ids.ts'

const name = fc.stringMatching(/^[a-z]{1,8}$/)
const text = fc.string({ minLength: 1, unit: 'grapheme' })

test('an address leads to the page that it was made for, whatever the id and the parameters', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...PLACES),
      fc.oneof(fc.constant(''), text),
      fc.dictionary(name, text, { noNullPrototype: true }),
      (place, id, parameters) => {
        expect(readRoute(addressOf(place, id, parameters))).toEqual({ place, id, parameters })
      },
    ),
  )
})

test.each(['', '#', '#/', '#/nowhere', '#/delivery/%', 'nonsense'])('%j is the overview', (hash) => {
  expect(readRoute(hash).place).toBe('overview')
})

test('an opaque id tells its type, and other texts are none', () => {
  const uuid = '0191E0A0-0000-7000-8000-000000000000'
  expect(isUuid(uuid)).toBe(true)
  const id = nodeId('DigestBucket', uuid)
  expect(atob(id.replaceAll('-', '+').replaceAll('_', '/'))).toBe(`DigestBucket:${uuid.toLowerCase()}`)
  expect(typeOfNodeId(id)).toBe('DigestBucket')
  for (const none of ['bob', 'comment 17', 'aaaaaaaaaaaaaaaa', 'order-12345678901', '']) {
    expect([none, typeOfNodeId(none)]).toEqual([none, null])
  }
})

test('a list that nothing else narrows down goes back a day, and one of a recipient as far as there is', () => {
  expect(filterOf(readRoute('#/deliveries'))).toEqual({ insertedAfter: expect.any(String) })
  expect(filterOf(readRoute('#/deliveries?since=all'))).toEqual({})
  expect(filterOf(readRoute('#/deliveries?recipient=bob'))).toEqual({ recipientId: 'bob' })
  expect(filterOf(readRoute('#/deliveries?recipient=bob&since=1h'))).toEqual({
    recipientId: 'bob',
    insertedAfter: expect.any(String),
  })
  expect(filterOf(readRoute('#/deliveries?state=hanging&since=all&channel=email'))).toEqual({
    awaitsOperator: true,
    channel: 'email',
  })
  expect(filterOf(readRoute('#/deliveries?state=toString&since=all'))).toEqual({})
})
