import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type UnsubscribeSubject,
  unsubscribePath,
  unsubscribeTokenIn,
  unsubscribeTokens,
} from '../../server/core/unsubscribe-token.ts'
import { everyTestCounts } from '../security/tally.ts'

everyTestCounts('S31')

const tokens = unsubscribeTokens('a-secret-key-for-tests-of-32-characters')
const SUBJECT: UnsubscribeSubject = {
  tenantId: 'acme',
  recipientId: 'ada@example.test',
  channel: 'email',
  category: 'comments',
  notificationKey: null,
}

const subjects = fc.record({
  tenantId: fc.string({ unit: 'binary', maxLength: 255 }),
  recipientId: fc.string({ unit: 'binary', maxLength: 255 }),
  channel: fc.constant('email' as const),
  category: fc.option(fc.string({ unit: 'binary', maxLength: 255 })),
  notificationKey: fc.option(fc.string({ maxLength: 255 })),
})

test('a token opens to what it was sealed for, is the same each time, and can stand in an address as it is', () => {
  fc.assert(
    fc.property(subjects, (subject) => {
      const token = tokens.seal(subject)
      expect(tokens.open(token)).toEqual(subject)
      expect(tokens.seal({ ...subject })).toBe(token)
      expect(token).toMatch(/^[\w-]+$/)
    }),
  )
})

test('a token that was changed in any place, cut off or lengthened does not open', () => {
  const bytes = Buffer.from(tokens.seal(SUBJECT), 'base64url')
  for (let place = 0; place < bytes.length; place++) {
    const changed = Buffer.from(bytes)
    changed[place] = (changed[place] as number) ^ 1
    expect(tokens.open(changed.toString('base64url'))).toBeNull()
    expect(tokens.open(bytes.subarray(0, place).toString('base64url'))).toBeNull()
  }
  expect(tokens.open(Buffer.concat([bytes, Buffer.of(0)]).toString('base64url'))).toBeNull()
})

test('what was never sealed does not open, whatever it is', () => {
  for (const token of ['', 'x', `${tokens.seal(SUBJECT)}=`, `${tokens.seal(SUBJECT)}.`, ` ${tokens.seal(SUBJECT)}`]) {
    expect(tokens.open(token)).toBeNull()
  }
  fc.assert(fc.property(fc.base64String({ maxLength: 400 }), (text) => tokens.open(text) === null))
})

test("another server's token does not open", () => {
  const other = unsubscribeTokens('another-secret-key-of-32-characters-or-so')
  expect(other.open(tokens.seal(SUBJECT))).toBeNull()
})

test('nothing of a subject can be read in its token', () => {
  const token = tokens.seal(SUBJECT)
  const decoded = Buffer.from(token, 'base64url').toString('latin1')
  for (const word of ['acme', 'ada', 'example', 'email', 'comments']) expect(`${token} ${decoded}`).not.toContain(word)
  const other = tokens.seal({ ...SUBJECT, recipientId: 'ada@example.tesu' })
  expect(other.length).toBe(token.length)
  expect(other.slice(0, 12)).not.toBe(token.slice(0, 12))
})

test('after a change of the key links by the earlier one go on, and no others', () => {
  const before = unsubscribeTokens('another-secret-key-of-32-characters-or-so')
  const after = unsubscribeTokens('a-secret-key-for-tests-of-32-characters', [
    'another-secret-key-of-32-characters-or-so',
  ])
  expect(after.open(before.seal(SUBJECT))).toEqual(SUBJECT)
  expect(after.seal(SUBJECT)).toBe(tokens.seal(SUBJECT))
  expect(before.open(after.seal(SUBJECT))).toBeNull()
  expect(after.open(unsubscribeTokens('a-third-key-that-nobody-was-told-of').seal(SUBJECT))).toBeNull()
})

test('a token’s page is found by its path, and no other path holds a token', () => {
  expect(unsubscribePath('a-token')).toBe('/unsubscribe/a-token')
  expect(unsubscribeTokenIn('/unsubscribe/a-token')).toBe('a-token')
  expect(unsubscribeTokenIn('/unsubscribe/')).toBe('')
  for (const path of ['/', '/unsubscribe', '/graphql', '/x/unsubscribe/a-token', 'a-token/unsubscribe/']) {
    expect(unsubscribeTokenIn(path)).toBeNull()
  }
})
