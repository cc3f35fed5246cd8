import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeNodeId, encodeNodeId, idOfType, NODE_TYPES } from '../../server/core/node-id.ts'

const rowType = fc.constantFrom(...NODE_TYPES.filter((type) => type !== 'Recipient'))
const storable = fc
  .string({ unit: 'grapheme' })
  .filter((text) => Buffer.from(text).toString() === text && !text.includes('\0'))

test('an id gives back the type and the id that it was made of', () => {
  fc.assert(
    fc.property(rowType, fc.uuid(), (type, id) => {
      expect(decodeNodeId(encodeNodeId(type, id))).toEqual({ type, id })
    }),
  )
  fc.assert(
    fc.property(storable, (id) => {
      expect(decodeNodeId(encodeNodeId('Recipient', id))).toEqual({ type: 'Recipient', id })
    }),
  )
})

test('an id is no id of another type', () => {
  fc.assert(
    fc.property(rowType, rowType, fc.uuid(), (type, asked, id) => {
      expect(idOfType(asked, encodeNodeId(type, id))).toBe(asked === type ? id : null)
    }),
  )
})

test('no text that was never issued is an id', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.uuid()), (text) => {
      expect(decodeNodeId(text)).toBeNull()
    }),
  )
})

test.each([
  ['the id of a row as it is', '0197f2f0-0000-7000-8000-000000000000'],
  ['a type that does not exist', encodeNodeId('Tenant' as never, '0197f2f0-0000-7000-8000-000000000000')],
  ['a row whose id is no UUID', encodeNodeId('Event', 'x')],
  ['a UUID in capitals', encodeNodeId('Event', '0197F2F0-0000-7000-8000-000000000000')],
  ['one with more behind it', `${encodeNodeId('Event', '0197f2f0-0000-7000-8000-000000000000')}!`],
  ['a recipient whose id has a NUL', encodeNodeId('Recipient', 'a\0')],
  ['nothing', ''],
])('%s is no id', (_, id) => {
  expect(decodeNodeId(id)).toBeNull()
})
