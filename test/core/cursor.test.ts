import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeInboxCursor, encodeInboxCursor } from '../../server/core/cursor.ts'

const inbox = fc.record({ tenantId: fc.string(), recipientId: fc.string() })
const version = fc.nat({ max: Number.MAX_SAFE_INTEGER }).filter((version) => version < 1e15)
const ADA = { tenantId: 'acme', recipientId: 'ada' }

test('a cursor gives back the version that it was made of', () => {
  fc.assert(
    fc.property(inbox, version, (inbox, version) => {
      expect(decodeInboxCursor(inbox, encodeInboxCursor(inbox, version))).toBe(version)
    }),
  )
})

test("another recipient's cursor is none, nor is that of a namesake in another tenant", () => {
  const cursor = encodeInboxCursor(ADA, 7)
  expect(decodeInboxCursor({ ...ADA, recipientId: 'bob' }, cursor)).toBeNull()
  expect(decodeInboxCursor({ ...ADA, tenantId: 'other' }, cursor)).toBeNull()
})

test('a cursor that was changed in any character, cut or lengthened is none', () => {
  fc.assert(
    fc.property(version, fc.nat(), fc.constantFrom(...'Aa0-_=+/.! '), (version, place, character) => {
      const cursor = encodeInboxCursor(ADA, version)
      const at = place % cursor.length
      const changed = cursor.slice(0, at) + character + cursor.slice(at + 1)
      for (const tampered of [changed, cursor.slice(0, at), cursor + character, character + cursor]) {
        if (tampered !== cursor) expect(decodeInboxCursor(ADA, tampered)).toBeNull()
      }
    }),
  )
})

test('a cursor whose version was raised by hand is none', () => {
  const text = Buffer.from(encodeInboxCursor(ADA, 7), 'base64url').toString()
  expect(decodeInboxCursor(ADA, Buffer.from(text.replace(/^7/, '8')).toString('base64url'))).toBeNull()
})

test('no other text is a cursor', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      expect(decodeInboxCursor(ADA, text)).toBeNull()
    }),
  )
})
