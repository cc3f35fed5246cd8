import { expect, test } from 'vitest'
import { quotesSecret, withoutSecretWords } from '../../server/core/secret-words.ts'

test.each([
  ['as it is', 'bad code hunter2!', 'hunter2'],
  ['in other letters', 'bad code HUNTER2', 'hunter2'],
  ['within a word', 'bad code:xhunter2x', 'hunter2'],
  ['as JSON writes it', String.raw`got "hun\"ter"`, 'hun"ter'],
  ['as an address writes it', 'GET /reset/a%2Fb%20c', 'a/b c'],
  ['a short one, as a word of its own', 'bad pin 471.', '471'],
])('a text that quotes a secret %s is known', (_, text, secret) => {
  expect(quotesSecret(text, [secret])).toBe(true)
})

test('a short secret is not found inside other words', () => {
  expect(quotesSecret('Invalid input', ['in', 'a', '7'])).toBe(false)
})

test('no secrets are quoted by nothing', () => {
  expect(quotesSecret('Invalid input', [])).toBe(false)
  expect(quotesSecret('', ['hunter2'])).toBe(false)
})

test('the words of a secret and of what holds it go, cut short as well, and those of the provider stay', () => {
  const content = ['Your code is hunt-er2', '<a href="https://x.test/?c=aHVudGVyMg">']
  const cut = (text: string) => withoutSecretWords(text, ['hunter2', 'correct horse battery', '47'], content)
  expect(cut('550 5.7.1 rejected as spam')).toBe('550 5.7.1 rejected as spam')
  expect(cut('refused "hunter2"')).toBe('refused "[removed]"')
  expect(cut('refused hunte...')).toBe('refused [removed]')
  expect(cut('refused hunt-er2')).toBe('refused [removed]')
  expect(cut('refused ?c=aHVudGVyMg')).toBe('refused ?c=[removed]')
  expect(cut('refused correct horse')).toBe('refused [removed] [removed]')
  expect(cut('refused 47, not 471')).toBe('refused [removed], not 471')
})
