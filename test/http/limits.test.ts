import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT_FIELD_WEIGHTS } from '../../server/http/root-field-weights.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { codesOf, type DoorRequest, type Doors, openDoors } from '../support/doors.ts'

let carillon: TestCarillon
let doors: Doors
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
  doors = await openDoors(carillon, carillon.operatorKey)
})
afterAll(async () => {
  await doors.close()
  await carillon.close()
})

const repeat = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ')

const REFUSED = ['QUERY_TOO_COMPLEX']

/** Each limit with a request that reaches it, and that goes beyond it by `more`. */
const LIMITS: readonly [string, (more: 0 | 1) => DoorRequest][] = [
  [
    '2,000 tokens',
    (more) => ({
      query: `{ deliveries(filter: { status: [${repeat(1_981 + more, () => 'PENDING')}] }) { edges { cursor } } }`,
    }),
  ],
  [
    '15 levels of fields',
    (more) => ({ query: `{ __schema { types { ${'ofType { '.repeat(12 + more)} name ${'}'.repeat(12 + more)} } } }` }),
  ],
  [
    '1,000 fields, those of fragments counted where they are spread',
    (more) => ({
      query: `{ ${repeat(30, (index) => `v${index}: viewer { ...V }`)} viewer { ${repeat(9 + more, () => 'scopes')} } }
        fragment V on Viewer { ${repeat(32, () => 'tenantId')} }`,
    }),
  ],
  ['30 aliases', (more) => ({ query: `{ ${repeat(30 + more, (index) => `a${index}: __typename`)} }` })],
  [
    '50 fields of one name at one place',
    (more) => ({ query: `{ viewer { ${repeat(50 + more, () => 'tenantId')} } }` }),
  ],
  [
    '50 fields of one name at one place, however they come there',
    (more) => ({
      query: `{ ${repeat(5, () => 'viewer { ... V ...V }')} viewer { ${more ? 'tenantId' : 'scopes'} } }
        fragment V on Viewer { ${repeat(5, () => 'tenantId')} }`,
    }),
  ],
  [
    '50 directives',
    (more) => ({
      query: `{ viewer { ${repeat(50, () => 'tenantId @include(if: true)')} scopes ${more ? '@skip(if: false)' : ''} } }`,
    }),
  ],
  [
    '200 spreads of fragments',
    (more) => ({
      query: `{ viewer { ${repeat(50, () => '...{ ...{ ...{ ...V } } }')} ${more ? '...{ scopes }' : ''} } } fragment V on Viewer { tenantId }`,
    }),
  ],
  [
    '50,000 objects',
    (more) => ({
      query: `{ events(first: 100) { edges { node { deliveries(last: 41) { edges { node { attempts { outcome } } } } } } }
        explainDelivery(deliveryId: "x") { timeline(first: ${498 + more}) { at } } }`,
    }),
  ],
  [
    '50,000 objects, pages by variables',
    (more) => ({
      query: `query ($first: Int, $last: Int, $lines: Int, $more: Int = 41) {
        events(first: $first, last: $last) { edges { node { deliveries(first: $more) { edges { node { attempts { outcome } } } } } } }
        explainDelivery(deliveryId: "x") { timeline(first: $lines) { at } } }`,
      variables: { last: 100, lines: 498 + more },
    }),
  ],
]

test.each(LIMITS)('%s are answered, and one more is refused, alike by every door', async (_, request) => {
  for (const { name, ask } of doors.all) {
    expect([name, ...codesOf(await ask(request(0)))]).toEqual([name])
    expect([name, ...codesOf(await ask(request(1)))]).toEqual([name, ...REFUSED])
  }
})

/** Each with how many of it one operation may ask for. Not executed: what it weighs is the same. */
const HEAVY: readonly (readonly [number, string])[] = [
  [10, 'exportRecipient(recipientId: "x") @skip(if: true)'],
  [9, 'outcomes @skip(if: true) { count }'],
  [
    9,
    'outcomeHistory(input: { insertedAfter: "2026-01-01T00:00:00.000Z", periodMinutes: 60 }) @skip(if: true) { startsAt }',
  ],
  [9, 'simulateTrigger(input: { notificationKey: "x", payload: {} }) @skip(if: true) { recipientCount }'],
  [24, 'explainRecipient(recipientId: "x", notificationKey: "x") @skip(if: true) { finding }'],
  [
    24,
    'previewRendering(input: { notificationKey: "x", channel: "email", payload: {}, recipient: { id: "x" } }) @skip(if: true) { __typename }',
  ],
  [24, 'queue @skip(if: true) { lane }'],
]

test.each(HEAVY)('%s times %s is answered, and once more is refused, alike by every door', async (most, field) => {
  const request = (count: number) => ({ query: `{ ${repeat(count, (index) => `f${index}: ${field}`)} }` })
  for (const { name, ask } of doors.all) {
    expect([name, ...codesOf(await ask(request(most)))]).toEqual([name])
    expect([name, ...codesOf(await ask(request(most + 1)))]).toEqual([name, ...REFUSED])
  }
})

test('every root field that weighs something is among those that are tried', () => {
  const tried = HEAVY.map(([, field]) => `Query.${/^\w+/.exec(field)}`)
  expect(tried.toSorted()).toEqual([...ROOT_FIELD_WEIGHTS.keys()].toSorted())
})

test('a value of 40 levels is looked at, and one of 41 is not, alike by every door', async () => {
  const query = (levels: number) =>
    `{ simulateTrigger(input: { notificationKey: "x", payload: ${'['.repeat(levels - 1)}1${']'.repeat(levels - 1)} }) { recipientCount } }`
  for (const { ask } of doors.all) {
    expect(codesOf(await ask({ query: query(40) }))).toEqual(['NOTIFIER_NOT_FOUND'])
    expect(codesOf(await ask({ query: query(41) }))).toEqual(REFUSED)
  }
})

test('a page by a variable counts each time anew, for a document that was allowed before too', async () => {
  const query = `query ($first: Int) { events(first: $first) { edges { node { deliveries(first: $first) { edges { node { attempts { outcome } } } } } } } }`
  for (const { ask } of doors.all) {
    for (const [first, expected] of [
      [10, []],
      [100, REFUSED],
      [10, []],
      [100, REFUSED],
      [null, []],
    ] as const) {
      expect(codesOf(await ask({ query, variables: { first } }))).toEqual(expected)
    }
  }
})

test('of several operations in a document the one that is asked for counts', async () => {
  const expensive =
    'events(first: 100) { edges { node { deliveries(first: 100) { edges { node { attempts { outcome } } } } } } }'
  const query = `query cheap { viewer { tenantId } } query expensive { ${expensive} }`
  for (const { ask } of doors.all) {
    expect(codesOf(await ask({ query, operationName: 'cheap' }))).toEqual([])
    expect(codesOf(await ask({ query, operationName: 'expensive' }))).toEqual(REFUSED)
  }
})

test('a page that is larger than may be is a mistake in the input, and not a matter of cost', async () => {
  for (const { ask } of doors.all) {
    for (const first of [101, 1_000_000_000, -1]) {
      const [literal, variable] = [
        await ask({ query: `{ events(first: ${first}) { edges { cursor } } }` }),
        await ask({
          query: 'query ($first: Int) { events(first: $first) { edges { cursor } } }',
          variables: { first },
        }),
      ]
      expect([codesOf(literal), codesOf(variable)]).toEqual([['BAD_USER_INPUT'], ['BAD_USER_INPUT']])
    }
  }
})

test('what is refused says how much is allowed, and where it is in the document', async () => {
  const { errors } = await carillon.ask(carillon.operatorKey, `{ ${repeat(31, (index) => `a${index}: __typename`)} }`)
  expect(errors).toEqual([
    {
      message: 'The document has more than 30 aliases',
      locations: [{ line: 1, column: expect.any(Number) }],
      extensions: { code: 'QUERY_TOO_COMPLEX' },
    },
  ])
})
