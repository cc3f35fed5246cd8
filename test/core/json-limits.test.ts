import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idFault, jsonFault, MAX_JSON_DEPTH, textFault } from '../../server/core/json-limits.ts'

const PATH = ['input', 'payload']

const nested = (depth: number): unknown => {
  let value: unknown = 'deep'
  for (let level = 0; level < depth; level++) value = level % 2 ? { a: value } : [value]
  return value
}

test('JSON of 32 levels is taken, and of 33 refused', () => {
  expect(MAX_JSON_DEPTH).toBe(32)
  expect(jsonFault(nested(32), PATH)).toBeNull()
  expect(jsonFault(nested(33), PATH)?.message).toBe('is nested deeper than 32')
})

test('JSON of 100,000 levels is refused, and overflows nothing', () => {
  expect(jsonFault(nested(100_000), PATH)?.message).toBe('is nested deeper than 32')
})

test('a list of 100,000 is no depth', () => {
  expect(
    jsonFault(
      Array.from({ length: 100_000 }, () => ({ a: 1 })),
      PATH,
    ),
  ).toBeNull()
})

test.each([
  ['NUL', 'a\0b'],
  ['a lone high surrogate', 'a\uD800'],
  ['a lone low surrogate', '\uDC00a'],
  ['surrogates the wrong way round', '\uDC00\uD800'],
])('%s is refused where it stands', (_, text) => {
  const message = 'contains a NUL character or a lone surrogate'
  expect(textFault(text, ['x'])).toEqual({ path: ['x'], message })
  expect(jsonFault({ a: [{ b: text }] }, PATH)).toEqual({ path: [...PATH, 'a', 0, 'b'], message })
  expect(jsonFault({ a: { [text]: 1 } }, PATH)).toEqual({ path: [...PATH, 'a'], message })
})

test('a pair of surrogates, and every other odd character, is taken', () => {
  for (const text of ['😀', '\u0001\u001f\u007f', '\u202e', '\uFFFD\uFFFE\uFFFF', '\u{10FFFF}', '']) {
    expect(textFault(text, [])).toBeNull()
  }
})

test('a text that is taken is one that PostgreSQL keeps as it is: well-formed, without NUL', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }), (text) => {
      expect(textFault(text, []) === null).toBe(Buffer.from(text).toString() === text && !text.includes('\0'))
    }),
  )
})

test('__proto__ is refused as a name and taken as a text', () => {
  expect(jsonFault(JSON.parse('{"a": {"__proto__": 1}}'), PATH)?.path).toEqual([...PATH, 'a', '__proto__'])
  expect(jsonFault({ a: '__proto__', constructor: 1, prototype: {} }, PATH)).toBeNull()
})

test('a number that JSON cannot write is refused', () => {
  expect(jsonFault(JSON.parse('[1, 1e400]'), PATH)).toEqual({ path: [...PATH, 1], message: 'is a number out of range' })
  expect(jsonFault([Number.NaN], PATH)?.message).toBe('is a number out of range')
  expect(jsonFault([1e308, -0, Number.MAX_SAFE_INTEGER], PATH)).toBeNull()
})

test.each([
  [1n, 'bigint'],
  [() => 1, 'function'],
  [Symbol('s'), 'symbol'],
])('%o is no JSON', (value, kind) => {
  expect(jsonFault({ a: value }, PATH)).toEqual({ path: [...PATH, 'a'], message: `is a ${kind}, not JSON` })
})

test('the first fault in reading order is the one that is named', () => {
  expect(jsonFault(['fine', ['\0'], '\0'], [])?.path).toEqual([1, 0])
  expect(jsonFault({ a: { b: '\0' }, c: '\0' }, [])?.path).toEqual(['a', 'b'])
})

test('JSON that any parser could have given is taken, if it is shallow and its text can be stored', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
      const storable = !/\\u0000|__proto__/.test(JSON.stringify(value))
      if (storable) expect(jsonFault(value, PATH)).toBeNull()
    }),
  )
})

test.each([
  ['x', null],
  ['x'.repeat(255), null],
  ['', 'is blank'],
  [' \n', 'is blank'],
  ['x'.repeat(256), 'is longer than 255 characters'],
  ['a\0b', 'contains a NUL character or a lone surrogate'],
  ['\ud800', 'contains a NUL character or a lone surrogate'],
])('%j as an id: %j', (id, message) => {
  expect(idFault(id, ['input', 'id'])).toEqual(message && { path: ['input', 'id'], message })
})
