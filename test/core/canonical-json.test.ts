import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '../../server/core/canonical-json.ts'

/** The same value with the names of all its objects the other way round. */
const reordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reordered(inner)]),
  )
}

test('names are put in order at every depth, and lists keep theirs', () => {
  const value = { b: [{ z: 1, y: { d: null, c: 'x' } }, 2], a: true }
  expect(canonicalJson(value)).toBe('{"a":true,"b":[{"y":{"c":"x","d":null},"z":1},2]}')
})

test('what is absent is left out, and null is not', () => {
  expect(canonicalJson({ a: undefined, b: null })).toBe('{"b":null}')
  expect(canonicalJson([undefined, null])).toBe('[null,null]')
})

test('equal values give equal text, whatever order their names came in', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(canonicalJson(reordered(value))).toBe(canonicalJson(value))
    }),
  )
})

test('different values give different text', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const equal =
        JSON.stringify(reordered(JSON.parse(canonicalJson(a)))) ===
        JSON.stringify(reordered(JSON.parse(canonicalJson(b))))
      expect(canonicalJson(a) === canonicalJson(b)).toBe(equal)
    }),
  )
})

test('it is JSON of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
