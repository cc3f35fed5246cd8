import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import {
  type GraphQLInputType,
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isScalarType,
} from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { argumentsFor, operationFor, rootFields } from '../support/root-fields.ts'
import { everythingOf } from './isolation/everything.ts'
import { askedIds, buildWorld, everyRowOf, MARK, neverIssued, type World } from './isolation/world.ts'
import { tallyOf } from './tally.ts'

const ROOT = resolve(import.meta.dirname, '../..')

let world: World
let failed = 0
beforeAll(async () => {
  world = await buildWorld()
  world.carillon.app.telemetry.on('request.failed', () => {
    failed += 1
  })
})
const tally = tallyOf('S27')
afterAll(async () => {
  await world.carillon.close()
  tally.report()
})

/** What means something to a database, by itself and in pieces put together at random. */
const INJECTIONS = [
  "' or '1'='1",
  "' or 1=1 --",
  "'; drop table event; --",
  '") or 1=1 --',
  "' union select tenant_id, id, payload from event --",
  "x' and 1=(select count(*) from pg_sleep(5)) --",
  "') ; select set_config('carillon.tenant', '*', false) --",
  '$1',
  '$$ select 1 $$',
  '\\',
  '%',
  '{a,b}',
  '{"a":"b\'"}',
  "E'\\\\x27'",
]
const pieces = fc.constantFrom(
  "'",
  '"',
  ';',
  '--',
  '/*',
  '*/',
  '\\',
  '$1',
  '$$',
  ' union select ',
  ' or ',
  '1=1',
  '%',
  '(',
  ')',
)
const RANDOM = [
  ...fc.sample(fc.array(pieces, { minLength: 1, maxLength: 8 }), { numRuns: 6, seed: 1 }).map((some) => some.join('')),
  ...fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), { numRuns: 4, seed: 1 }),
]
const TEXTS = [...INJECTIONS, ...RANDOM]

/** How many of them each place is tried with; all together the places are tried with every one. */
const TRIED = 6
const textsFor = (place: number): readonly string[] =>
  Array.from({ length: TRIED }, (_, index) => TEXTS[(place * TRIED + index) % TEXTS.length] as string)

const DEEPEST = 4

/** Each place of an input where a text may stand, as what makes an input with that text there. */
const placesIn = (type: GraphQLInputType, depth = 0): readonly ((text: string, given: unknown) => unknown)[] => {
  if (isNonNullType(type)) return placesIn(type.ofType, depth)
  if (isListType(type)) return placesIn(type.ofType, depth).map((put) => (text: string) => [put(text, undefined)])
  if (isScalarType(type)) return ['Int', 'Float', 'Boolean'].includes(type.name) ? [] : [(text: string) => text]
  if (!isInputObjectType(type) || depth >= DEEPEST) return []
  return Object.values(type.getFields()).flatMap(({ name, type: own }) =>
    placesIn(own, depth + 1).map((put) => (text: string, given: unknown) => ({
      ...(given as object | undefined),
      [name]: put(text, (given as Record<string, unknown> | undefined)?.[name]),
    })),
  )
}

test('whatever is written where a text may stand, it stays a text, and finds nothing that it does not name', async () => {
  const { carillon, ours } = world
  const before = await everyRowOf(carillon, 'neighbour')
  let places = 0
  for (const { place, type, field } of rootFields()) {
    if (place.startsWith('Subscription')) continue
    const base = argumentsFor(field.name, 'nobody', askedIds(neverIssued()))
    const selection = everythingOf(getNamedType(field.type))
    for (const arg of field.args) {
      for (const [at, put] of placesIn(arg.type).entries()) {
        places += 1
        await Promise.all(
          textsFor(places).map(async (text) => {
            const given = { ...base, [arg.name]: put(text, base[arg.name]) }
            const query = operationFor(String(type?.name), field, { given, selection })
            const { status, data, errors } = await carillon.ask(ours.keys.operator, query, given)
            const said = JSON.stringify({ data, errors })
            const found = said.includes(MARK.theirs) || (place.startsWith('Query') && said.includes(MARK.ours))
            const broke = status >= 500 || /"(INTERNAL|UNAVAILABLE)"/.test(said)
            tally.tried(`${place} ${arg.name} #${at} ${JSON.stringify(text)}: ${said.slice(0, 300)}`, found || broke)
          }),
        )
      }
    }
  }
  expect(places).toBeGreaterThan(100)
  expect(failed).toBe(0)
  tally.tried('the other tenant’s rows', (await everyRowOf(carillon, 'neighbour')) !== before)
}, 120_000)

/** The expressions in template literals of a source, with what stands before each in its literal. */
const templatesIn = (source: string): readonly { readonly start: string; readonly parts: readonly string[] }[] => {
  const found: { start: string; parts: string[] }[] = []
  /** Reads a literal from behind its first backtick, and answers where it ends. */
  const read = (from: number): number => {
    const one = { start: source.slice(from, from + 40).trimStart(), parts: [] as string[] }
    found.push(one)
    let at = from
    while (at < source.length && source[at] !== '`') {
      if (source[at] === '\\') at += 2
      else if (source[at] === '$' && source[at + 1] === '{') {
        const begun = at
        at = code(at + 2)
        one.parts.push(`${source.slice(Math.max(from, begun - 1), begun)}|${source.slice(begun + 2, at)}`)
        at += 1
      } else at += 1
    }
    return at + 1
  }
  /** Reads code up to the brace that closes it. */
  const code = (from: number): number => {
    let [at, depth] = [from, 0]
    while (at < source.length) {
      const char = source[at]
      if (source.startsWith('//', at) && source[at - 1] !== ':')
        at = (source.indexOf('\n', at) + 1 || source.length) - 1
      else if (source.startsWith('/*', at)) at = source.indexOf('*/', at) + 1
      else if (char === "'" || char === '"') {
        for (at += 1; at < source.length && source[at] !== char && source[at] !== '\n'; at++)
          if (source[at] === '\\') at += 1
      } else if (char === '`') at = read(at + 1) - 1
      else if (char === '{') depth += 1
      else if (char === '}') {
        if (depth === 0) return at
        depth -= 1
      }
      at += 1
    }
    return at
  }
  code(0)
  return found
}

const SQL =
  /^(?:select\s|insert into|update \w+|delete from|with \w+ as|listen\s|notify\s|create \w+|drop \w+|alter \w+|grant\s|revoke\s)/

/** `file: before|expression` of each expression that stands in a statement. */
const expressionsInSql = (): readonly string[] =>
  ['server', 'schema'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
      .flatMap((file) =>
        templatesIn(readFileSync(join(ROOT, folder, file), 'utf8'))
          .filter(({ start }) => (folder === 'server' && file.startsWith('db/sql')) || SQL.test(start))
          .flatMap(({ parts }) => parts.map((part) => `${folder}/${file}: ${part}`)),
      ),
  )

/** What this code chooses among texts that stand in it, and no caller gives; each says where from. */
const CHOSEN_HERE: Readonly<Record<string, string>> = {
  'server/db/client.ts: tenantId': 'bound: Prisma makes a parameter of it',
  'server/db/sql/change-inbox.ts: row': 'chosen or changed, in this file',
  'server/db/sql/change-inbox.ts: where': 'of ACTIONS, in this file',
  'server/db/sql/change-inbox.ts: selection': 'BY_ID or BY_FILTER, in this file',
  'server/db/sql/change-inbox.ts: set': 'of ACTIONS, in this file',
  'server/db/sql/change-inbox.ts: queue': 'of ACTIONS, in this file',
  'server/db/sql/change-inbox.ts: action': 'the name of one of ACTIONS, and no part of the statement',
  'server/db/sql/digest-rules.ts: type': 'of TYPES, in this file',
  'server/db/sql/digest-rules.ts: given': 'made of TYPES, in this file',
  'server/db/sql/leave-buckets.ts: from': 'one of two texts in this file',
  'server/db/sql/lock-inboxes.ts: wait': 'one of two texts in this file',
  'server/db/sql/remove-tenant.ts: table': 'one of TENANT_TABLES, in this file',
  'server/db/sql/remove-tenant.ts: wait': 'one of two texts in this file',
  'server/db/sql/read-inbox.ts: from': 'newest or oldest, and no part of the statement',
}

/**
 * Whether a part of a statement is always one of the same few texts: a constant, the number of a parameter, one of two
 * literals, or what a function makes of literals.
 */
const isFixed = (part: string): boolean => {
  const [, file = '', before = '', expression = ''] = /^(.*): ([\s\S]?)\|([\s\S]*)$/.exec(part) ?? []
  return (
    before === '$' ||
    /^[A-Z][A-Z\d_]*$/.test(expression) ||
    /^[\w.]+ ?(?:=== ?'\w+' )?\? (['`])[\w ,.$]*\1 : (['`])[\w ,.$]*\2$/.test(expression) ||
    /^\w+\((?:\d+|'\w+'|)\)$/.test(expression) ||
    `${file}: ${expression}` in CHOSEN_HERE
  )
}

test('no statement is put together of what a caller gives', () => {
  const parts = expressionsInSql()
  for (const part of parts) tally.tried(part, !isFixed(part))
  expect(parts.length).toBeGreaterThan(100)
  // What is chosen here is there, and the reason with it.
  const known = new Set(parts.map((part) => part.replace(/: [\s\S]?\|/, ': ')))
  expect(Object.keys(CHOSEN_HERE).filter((one) => !known.has(one))).toEqual([])
  const unsafe = ['server', 'schema'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .filter((file) => /RawUnsafe|Prisma\.raw\(/.test(readFileSync(join(ROOT, folder, file), 'utf8'))),
  )
  expect(unsafe).toEqual([])
})

test('the rule tells what stands in a statement for a caller from what does not', () => {
  const fixed = (source: string) =>
    templatesIn(source.replaceAll('§', '$')).flatMap((one) => one.parts.map((part) => isFixed(`x: ${part}`)))
  expect(fixed("const a = `select §{A_B} from t where a = §§{n + 1} §{x ? 'desc' : 'asc'} §{f(3)}`")).toEqual([
    true,
    true,
    true,
    true,
  ])
  const wrong =
    'const a = `select §{name} from §{tables.join()} where a = §{`§{deep}`} §{f(given)}` // it’s `not §{this}`'
  expect(fixed(wrong)).toEqual([false, false, false, false, false])
})
