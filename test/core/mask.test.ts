import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maskAddress } from '../../server/core/mask.ts'
import { pushSubscription } from '../support/push-subscription.ts'

test.each([
  ['ada@example.com', 'a…@example.com'],
  ['a@example.com', 'a…@example.com'],
  ['+4915112345617', '+49…17'],
  ['😀da@example.com', '😀…@example.com'],
  ['https://user:secret@hooks.example.com/T0/B0/token', 'htt…en'],
  ['@nobody', '@no…dy'],
  ['123456', '…'],
  ['', '…'],
  [pushSubscription('x1Yz'), 'push.example.test/…x1Yz'],
  ['{"endpoint":"https://push.example.test/abc","keys":{"p256dh":"a","auth":"b"}}', 'push.example.test/…'],
  ['{"endpoint":"https://push.example.test/abc"}', '{"e…"}'],
])('%s is shown as %s', (address, shown) => {
  expect(maskAddress(address)).toBe(shown)
})

test('of what stands before the @ no more than one character is shown', () => {
  fc.assert(
    fc.property(fc.emailAddress(), (address) => {
      const at = address.lastIndexOf('@')
      expect(maskAddress(address)).toBe(`${address.slice(0, 1)}…${address.slice(at)}`)
    }),
  )
})

test('any text is masked to something that is well-formed and holds at most five characters of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const shown = maskAddress(text)
      expect(shown).toContain('…')
      expect(Buffer.from(shown).toString()).toBe(shown)
      if (!text.includes('@')) expect([...shown].length).toBeLessThanOrEqual(6)
    }),
  )
})
