import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { sameText } from '../../server/adapters/receivers/verification.ts'
import { tallyOf } from './tally.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** What a secret, or what proves that somebody knows one, is called. */
const SECRET =
  /(?:^|_)(?:secrets?|tokens?|passwords?|signatures?|signed|hmac|mac|digested|credentials?|apiKeys?|hash|hashes|tag|expected)(?:$|_)|(?:Secret|Token|Password|Signature|Credential|Hmac|ApiKey|Hash)(?:s|Text|Value)?$/

/** Comparisons that tell nobody anything, each with why. */
const HARMLESS: Readonly<Record<string, string>> = {
  'server/core/secret-words.ts: lower.includes(secret)': 'looks for it in what is written down, and answers nobody',
  "server/core/unsubscribe-token.ts: bytes.toString('base64url') !== token": 'both sides are what the caller gave',
  'server/operations/credentials.ts: credential.startsWith(KEY_PREFIX)': 'the prefix is the same for all, and known',
  'server/cli/persisted-faults.ts: hash !== hashOf(text)': 'both sides are of one file, whose text is no secret',
  "server/adapters/receivers/sns-message.ts: searchParams.get('Token') === body.Token": 'both sides are what was sent',
}

/** A name and what leads to it, called or looked into: `request.headers['x']`, `hashOf(key).value`. */
const OPERAND = String.raw`[\w$"'\x60][\w$.?!"'\x60-]*(?:(?:\([^()\n]*\)|\[[^\]\n]*\])[\w$.?!]*)*`
const EQUALITY = new RegExp(String.raw`(${OPERAND})\s*[!=]==?\s*(typeof )?(${OPERAND})`, 'g')
const CALL = new RegExp(
  String.raw`(${OPERAND})\.(?:equals|compare|localeCompare|startsWith|endsWith|includes)\((${OPERAND})?\)`,
  'g',
)

/** The last name of an operand, which says what it is. */
const nameOf = (operand: string): string =>
  operand
    .replace(/\['([^']*)'\]$/, '.$1')
    .replaceAll(/\([^()]*\)|\[[^\]]*\]|[!?]/g, '')
    .split('.')
    .at(-1) ?? ''

/** Whether it is there, empty, or of which kind: nothing that is secret is learnt by that. */
const isPlain = (operand: string): boolean => /^(?:null|undefined|true|false|\d[\w.]*|['"`].*)$/.test(operand)

/** Each comparison of two things, and whether one of them is a secret. */
const comparisonsIn = (file: string, text: string): readonly { readonly at: string; readonly secret: boolean }[] => {
  const code = text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  const equal = [...code.matchAll(EQUALITY)].map(({ 0: whole, 1: left = '', 2: isType, 3: right = '', index }) => ({
    whole,
    sides: [left, right],
    harmless: isType !== undefined || code.slice(0, index).endsWith('typeof '),
  }))
  const called = [...code.matchAll(CALL)].map(([whole, left = '', right = '']) => ({
    whole,
    sides: [left, right],
    harmless: false,
  }))
  return [...equal, ...called].map(({ whole, sides, harmless }) => {
    const at = `${file}: ${whole.replaceAll(/\s+/g, ' ')}`
    const named = sides.some((side) => SECRET.test(nameOf(side)))
    return { at, secret: named && !harmless && !sides.some(isPlain) && !(at in HARMLESS) }
  })
}

test('the rule sees a secret that is compared letter by letter', () => {
  const flagged = (text: string): boolean => comparisonsIn('x.ts', text).some(({ secret }) => secret)
  for (const text of [
    'given === secret',
    'if (options.password !== password) {}',
    'headers.signature == expected',
    'hash.equals(stored)',
    "request.headers['x_token'] === mine",
    'apiKeyHash(key) === row.keyHash',
    'expected.startsWith(given)',
  ])
    expect([text, flagged(text)]).toEqual([text, true])
  for (const text of ['token === null', "typeof secret === 'string'", 'password !== undefined', 'name === other'])
    expect([text, flagged(text)]).toEqual([text, false])
})

test('S16: nothing that is secret is compared in a time that tells how much of it was right', () => {
  const tally = tallyOf('S16')
  const files = ['server', 'schema'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  )
  const all = files.flatMap((file) => comparisonsIn(file, readFileSync(join(ROOT, file), 'utf8')))
  for (const { at, secret } of all) tally.tried(at, secret)
  tally.report()
  // What is harmless for a reason is there, and the reason with it.
  const known = new Set(all.map(({ at }) => at))
  expect(Object.keys(HARMLESS).filter((at) => !known.has(at))).toEqual([])
})

test('texts of any length and beginning are the same only where they are', () => {
  const right = 'a'.repeat(44)
  for (const wrong of [
    '',
    'a',
    `${right}a`,
    right.slice(1),
    `b${right.slice(1)}`,
    `${right.slice(1)}b`,
    'ä'.repeat(44),
  ])
    expect([wrong, sameText(wrong, right)]).toEqual([wrong, false])
  expect(sameText(right, 'a'.repeat(44))).toBe(true)
})
