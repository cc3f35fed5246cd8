import { expect, test } from 'vitest'
import { providerReason, REASON_LENGTH } from '../../server/core/provider-reason.ts'

test.each([
  ['550 5.1.1 No such user', '550 5.1.1 No such user'],
  ['550 5.1.10 <ada@example.test> unknown', '550 5.1.10 <[removed]> unknown'],
  ['550-5.1.1 one\r\n550 5.1.1 two', '550-5.1.1 one 550 5.1.1 two'],
  ['user ada.lovelace+news@mail.example.test, gone', 'user [removed], gone'],
  ['"ada"@example.test is full', '"ada"[removed] is full'],
  ['for ädä@exämple.test', 'for [removed]'],
  ['for ada%40example.test and ada＠example.test', 'for [removed] and [removed]'],
  ['smtp://user:password@mail.example.test failed', '[removed] failed'],
  ['cannot send to +49 (170) 123-45.67', 'cannot send to [removed]'],
  ['number 015112345678 is barred', 'number [removed] is barred'],
  ['blocked by 203.0.113.9, code 21211', 'blocked by 203.0.113.9, code 21211'],
  ['a\u0000b\u0007c\u202Ed \uD800e', 'a b cd e'],
  ['  many \t\n  spaces  ', 'many spaces'],
  ['', ''],
])('%j becomes %j', (given, shown) => {
  expect(providerReason(given)).toBe(shown)
})

test('what it is told to hide is removed in any case, from any depth, and as JSON writes it', () => {
  const content = { text: 'Your code is 4711', deep: [{ link: 'https://pay.example.test/s3cret' }], quote: 'say "hi"' }
  const echo = `bad request: ${JSON.stringify(content).toUpperCase()} PASS-word`
  const reason = providerReason(echo, [content, 'pass-WORD', null, 12, 'a'])
  expect(reason).not.toMatch(/4711|s3cret|say|pass/i)
  expect(reason).toMatch(/^bad request: /)
})

test('a short string is not hidden, so that a reason stays readable', () => {
  expect(providerReason('no such user', ['no', 'a', ''])).toBe('no such user')
})

test('characters that mean something to a pattern are hidden as they stand', () => {
  expect(providerReason('key (a+b)*[c]$^|\\d-e refused', '(a+b)*[c]$^|\\d-e')).toBe('key [removed] refused')
})

test('a reason has at most 300 characters, and none of them is half of one', () => {
  for (const lead of ['', 'a']) {
    const reason = providerReason(lead + '💌'.repeat(400))
    expect(reason.length).toBeLessThanOrEqual(REASON_LENGTH)
    expect(reason).not.toMatch(/\p{Cs}/u)
    expect(reason.endsWith('…')).toBe(true)
  }
})

test('ten megabytes cost no more than a page', () => {
  for (const unit of ['a', '1', '@', '1 ', 'a@', '(', '1.', ' ']) {
    const given = unit.repeat(10_000_000 / unit.length)
    const before = performance.now()
    expect(providerReason(given, ['aaaa', '1111']).length).toBeLessThanOrEqual(REASON_LENGTH)
    expect(performance.now() - before).toBeLessThan(500)
  }
})
