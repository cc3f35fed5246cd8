import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  EACH,
  markSecrets,
  mergeSecrets,
  type SecretPath,
  secretDepth,
  secretValues,
  secretWords,
  splitSecrets,
  withoutSecrets,
} from '../../server/core/secret-fields.ts'

// Few names and small lists, so that paths and payloads meet.
const name = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString')
const { payload } = fc.letrec<{ payload: unknown }>((tie) => ({
  payload: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('payload'), { maxLength: 3 }),
    fc.dictionary(name, tie('payload'), { maxKeys: 4 }).map((object) => ({ ...object })),
  ),
}))
const path: fc.Arbitrary<SecretPath> = fc.array(fc.oneof(name, fc.constant(EACH)), { minLength: 1, maxLength: 4 })
const paths = fc.array(path, { maxLength: 4 })

const member = (value: unknown, step: string | number): unknown => (value as Record<string | number, unknown>)[step]

/** The places in a value at which something stands. */
const placesOf = (value: unknown, at: (string | number)[] = []): (string | number)[][] =>
  typeof value !== 'object' || value === null
    ? [at]
    : [
        at,
        ...(Array.isArray(value)
          ? value.flatMap((item, index) => placesOf(item, [...at, index]))
          : Object.entries(value).flatMap(([key, member]) => placesOf(member, [...at, key]))),
      ]

test('what was split is put together again as it was', () => {
  fc.assert(
    fc.property(paths, payload, (paths, payload) => {
      const before = structuredClone(payload)
      const { open, secrets } = splitSecrets(paths, payload)
      const travelled = JSON.parse(JSON.stringify(secrets))
      expect(mergeSecrets(JSON.parse(JSON.stringify(open)), travelled)).toEqual(before)
      expect(payload).toEqual(before)
    }),
  )
})

test('where a secret stood there is null, and nothing else is changed', () => {
  fc.assert(
    fc.property(paths, payload, (paths, payload) => {
      const { open, secrets } = splitSecrets(paths, payload)
      for (const [at] of secrets) expect(at.reduce<unknown>(member, open)).toBeNull()
      for (const at of placesOf(open)) {
        const depth = secretDepth(paths, at)
        if (depth !== null) expect(at.length).toBe(depth)
      }
      expect(splitSecrets([], payload).open).toBe(payload)
    }),
  )
})

test('a payload without its secrets has none, and is what it was where it had none', () => {
  fc.assert(
    fc.property(paths, payload, (paths, payload) => {
      const before = structuredClone(payload)
      const stripped = withoutSecrets(paths, payload)
      for (const at of placesOf(stripped)) expect(secretDepth(paths, at)).toBeNull()
      if (splitSecrets(paths, payload).secrets.length === 0) expect(stripped).toEqual(before)
      expect(payload).toEqual(before)
    }),
  )
})

test('every secret value is among those that no message may quote', () => {
  fc.assert(
    fc.property(paths, payload, (paths, payload) => {
      const words = new Set(secretWords(secretValues(paths, payload)))
      for (const word of secretWords(splitSecrets(paths, payload).secrets.map(([, value]) => value))) {
        expect(words).toContain(word)
      }
    }),
  )
})

const NESTED: readonly SecretPath[] = [['code'], ['users', EACH, 'password'], ['tokens', EACH]]
const GIVEN = {
  code: { pin: 1 },
  users: [{ name: 'ada', password: 'x' }, { name: 'bob' }],
  tokens: ['t', null],
  text: 'hello',
}

test('secrets are taken out of objects, lists of objects, and lists', () => {
  expect(splitSecrets(NESTED, GIVEN)).toEqual({
    open: {
      code: null,
      users: [{ name: 'ada', password: null }, { name: 'bob' }],
      tokens: [null, null],
      text: 'hello',
    },
    secrets: [
      [['code'], { pin: 1 }],
      [['users', 0, 'password'], 'x'],
      [['tokens', 0], 't'],
      [['tokens', 1], null],
    ],
  })
  expect(withoutSecrets(NESTED, GIVEN)).toEqual({
    users: [{ name: 'ada' }, { name: 'bob' }],
    tokens: [],
    text: 'hello',
  })
})

test('a mark stands for what the value is, in whatever order its names come', () => {
  const marked = (code: unknown) => markSecrets([['code']], { code, text: 'hello' }, (canonical) => `<${canonical}>`)
  expect(marked({ b: 1, a: 2 })).toEqual({ code: '<{"a":2,"b":1}>', text: 'hello' })
  expect(marked({ a: 2, b: 1 })).toEqual(marked({ b: 1, a: 2 }))
  expect(marked('1')).not.toEqual(marked(1))
})

test('what stands on the way to a secret in another form counts as one', () => {
  expect(secretValues(NESTED, { users: 'all of them', tokens: { first: 't' }, text: 'hello' })).toEqual([
    'all of them',
    { first: 't' },
  ])
  expect(secretValues(NESTED, 'text')).toEqual(['text'])
})

test('a value that has no place any more is left out', () => {
  expect(
    mergeSecrets({ list: [null] }, [
      [['list', 1], 'x'],
      [['gone', 'deep'], 'y'],
      [['list', 0], 'z'],
    ]),
  ).toEqual({
    list: ['z'],
  })
})
