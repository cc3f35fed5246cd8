import { expect, test } from 'vitest'
import { difference, meant, shortenedAnswer, shownJson } from './support/answers.ts'

const ID = 'RGVsaXZlcnk6MDE5YjI3ZTAtYTAwMC03MDAw'
const OTHER = 'RGVsaXZlcnk6MDE5YjI3ZTAtYTAwMC03MDAx'
const differs = (shown: unknown, answer: unknown, anyTime = false) =>
  difference(shown, answer, { meanings: new Map(), anyTime })

test.each<[string, unknown, unknown]>([
  ['another value', { a: 1 }, { a: 2 }],
  ['another text', { a: 'x' }, { a: 'y' }],
  ['a field too few', {}, { a: null }],
  ['a field too many', { a: null }, {}],
  ['a list too long', [1], [1, 2]],
  ['another order', [1, 2], [2, 1]],
  ['a word where an id is shown', { a: 'RGVsaXZl…MDAw' }, { a: 'word' }],
  ['one short text for two ids', ['RGVsaXZl…MDAw', 'RGVsaXZl…MDAw'], [ID, OTHER]],
  ['another instant', { a: 'at 2026-01-15 12:00:00 UTC' }, { a: 'at 2026-01-15 12:00:01 UTC' }],
])('an answer with %s is not what is shown', (_, shown, answer) => {
  expect(differs(shown, answer)).toMatch(/^answer/)
})

test('ids are shown short and stand for themselves from then on; instants may be left open', () => {
  const meanings = new Map<string, string>()
  const answer = { id: ID, reason: 'waiting_for_step_progression' }
  const shown = shortenedAnswer(answer) as typeof answer
  expect(shown).toEqual({ id: 'RGVsaXZlcnk6…MDAw', reason: 'waiting_for_step_progression' })
  expect(difference(shown, answer, { meanings })).toBeNull()
  expect(meant(`delivery(id: "${shown.id}")`, meanings)).toBe(`delivery(id: "${ID}")`)
  expect(differs({ at: '2026-01-15T12:00:00.000Z' }, { at: '2030-11-22T09:31:40.123Z' }, true)).toBeNull()
})

test('an answer is shown on as few lines as fit', () => {
  const long = 'x'.repeat(70)
  expect(shownJson({ data: { list: [{ a: long }, { a: long }] } })).toBe(
    `{ "data": { "list": [\n  { "a": "${long}" },\n  { "a": "${long}" }\n] } }`,
  )
  expect(shownJson({ data: { a: 1 }, more: [] })).toBe('{ "data": { "a": 1 }, "more": [] }')
})
