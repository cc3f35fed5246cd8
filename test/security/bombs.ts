import type { DoorRequest } from '../support/doors.ts'

const repeat = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ')

const nested = (open: string, levels: number, inside: string): string =>
  `${`${open} { `.repeat(levels)}${inside}${' }'.repeat(levels)}`

/** Fragments that each spread the next one so many times. */
const doubling = (levels: number, spreads: number, last: string): string =>
  `{ viewer { ...F0 } } ${repeat(levels, (level) => {
    const next = level === levels - 1 ? last : `...F${level + 1}`
    return `fragment F${level} on Viewer { ${repeat(spreads, () => next)} }`
  })}`

const CODES = { complex: 'QUERY_TOO_COMPLEX', input: 'BAD_USER_INPUT' } as const

/** Requests that would cost a server far more than they cost who sends them, and what each is refused with. */
export const BOMBS: readonly (readonly [string, DoorRequest, (typeof CODES)[keyof typeof CODES]])[] = [
  ['2,000 levels of fields', { query: `{ ${nested('viewer', 2_000, 'tenantId')} }` }, CODES.complex],
  ['300 levels of fields', { query: `{ ${nested('viewer', 300, 'tenantId')} }` }, CODES.complex],
  ['2,000 levels of inline fragments', { query: `{ ${nested('...', 2_000, '__typename')} }` }, CODES.complex],
  ['600 levels of inline fragments', { query: `{ ${nested('...', 600, '__typename')} }` }, CODES.complex],
  ['2,000 levels of lists', { query: `{ event(id: ${'['.repeat(2_000)}${']'.repeat(2_000)}) { id } }` }, CODES.complex],
  ['900 levels of lists', { query: `{ event(id: ${'['.repeat(900)}${']'.repeat(900)}) { id } }` }, CODES.complex],
  ['40 levels of lists', { query: `{ event(id: ${'['.repeat(40)}${']'.repeat(40)}) { id } }` }, CODES.input],
  ['400 levels of objects', { query: `{ event(id: ${'{a:'.repeat(400)}1${'}'.repeat(400)}) { id } }` }, CODES.complex],
  [
    '400 levels of objects as a default',
    { query: `query ($v: JSON = ${'{a:'.repeat(400)}1${'}'.repeat(400)}) { event(id: $v) { id } }` },
    CODES.complex,
  ],
  [
    '400 levels of lists in a directive',
    { query: `{ __typename @include(if: ${'['.repeat(400)}${']'.repeat(400)}) }` },
    CODES.complex,
  ],
  ['10,000 times the same field', { query: `{ viewer { ${repeat(10_000, () => 'tenantId')} } }` }, CODES.complex],
  ['1,900 times the same field', { query: `{ viewer { ${repeat(1_900, () => 'tenantId')} } }` }, CODES.complex],
  ['1,900 times __typename', { query: `{ ${repeat(1_900, () => '__typename')} }` }, CODES.complex],
  ['3,000 aliases', { query: `{ ${repeat(3_000, (index) => `a${index}: __typename`)} }` }, CODES.complex],
  ['101 aliases of __typename', { query: `{ ${repeat(101, (index) => `a${index}: __typename`)} }` }, CODES.complex],
  ['600 fields that are not there', { query: `{ ${repeat(600, (index) => `field${index}`)} }` }, CODES.input],
  ['fragments that double 30 times', { query: doubling(30, 2, 'tenantId') }, CODES.complex],
  ['fragments that double 200 times, around nothing', { query: doubling(200, 2, '... { __typename }') }, CODES.complex],
  ['fragments that grow by 10 each time', { query: doubling(60, 10, 'tenantId') }, CODES.complex],
  [
    'fragments in a circle',
    { query: '{ viewer { ...A } } fragment A on Viewer { ...B ...B } fragment B on Viewer { ...A ...A }' },
    CODES.input,
  ],
  [
    '150 fragments in a circle, each spread by each',
    {
      query: `{ viewer { ...F0 } } ${repeat(40, (one) => `fragment F${one} on Viewer { ${repeat(40, (other) => `...F${other}`)} }`)}`,
    },
    CODES.complex,
  ],
  [
    'fields that overlap within fields that overlap',
    { query: `{ ${repeat(49, () => `viewer { ${repeat(19, () => 'tenantId')} }`)} }` },
    CODES.complex,
  ],
  [
    'fields that overlap, three levels deep',
    {
      query: `{ ${repeat(10, () => `__schema { ${repeat(10, () => `types { ${repeat(8, () => 'name')} }`)} }`)} }`,
    },
    CODES.complex,
  ],
  [
    'inline fragments that overlap',
    { query: `{ viewer { ${repeat(300, () => '... { tenantId }')} } }` },
    CODES.complex,
  ],
  [
    'a fragment that nobody spreads, with fields that overlap',
    { query: `{ viewer { tenantId } } fragment F on Viewer { ${repeat(1_500, () => 'tenantId')} }` },
    CODES.complex,
  ],
  ['1,000 directives on one field', { query: `{ __typename ${'@a'.repeat(990)} }` }, CODES.complex],
  ['10 directives that are not there', { query: `{ __typename ${'@aa'.repeat(10)} }` }, CODES.input],
  ['600 variables', { query: `query (${repeat(480, (index) => `$v${index}: Int`)}) { __typename }` }, CODES.input],
  [
    '200 operations',
    { query: repeat(200, (index) => `query q${index} { ${repeat(6, () => '__typename')} }`), operationName: 'q0' },
    CODES.complex,
  ],
  [
    'introspection in circles',
    {
      query: `{ __schema { types { ${nested('fields { type', 5, 'name').replaceAll(' }', ' } }').replace(/ \}$/, '')} } } }`,
    },
    CODES.input,
  ],
  ['a page of a billion', { query: '{ events(first: 1000000000) { edges { cursor } } }' }, CODES.input],
  ['a page of 1e9', { query: '{ events(first: 1e9) { edges { cursor } } }' }, CODES.input],
  [
    'a page of a billion by a variable',
    { query: 'query ($n: Int) { events(first: $n) { edges { cursor } } }', variables: { n: 1_000_000_000 } },
    CODES.input,
  ],
  [
    'the largest pages within the largest pages',
    {
      query: `{ events(first: 100) { edges { node { deliveries(first: 100) { edges { node { attempts { id } notification { event { deliveries(first: 100) { edges { cursor } } } } } } } } } } }`,
    },
    CODES.complex,
  ],
  ...['constructor', 'toString', '__proto__', 'hasOwnProperty'].map(
    (name) =>
      [
        `the largest pages by a default of $${name}`,
        {
          query: `query ($${name}: Int = 100) { events(first: $${name}) { edges { node { deliveries(first: $${name}) { edges { node { attempts { id } } } } } } } }`,
        },
        CODES.complex,
      ] as const,
  ),
  [
    'a list of 50,000 faults in variables',
    {
      query: 'mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { deduplicated } } }',
      variables: { input: { triggers: Array.from({ length: 50_000 }, () => 1) } },
    },
    CODES.input,
  ],
  [
    'an input of 1,500 fields that are not there',
    {
      query: 'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated } }',
      variables: { input: Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`field${index}`, index])) },
    },
    CODES.input,
  ],
  [
    'an input of 200 fields that are not there',
    {
      query: 'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated } }',
      variables: { input: Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`field${index}`, index])) },
    },
    CODES.input,
  ],
  ['a text without an end', { query: `{ event(id: """${'a\\n'.repeat(50_000)}) { id } }` }, CODES.input],
  ['a comment of 200 KB and nothing else', { query: `#${'x'.repeat(200_000)}` }, CODES.input],
  ['200,000 commas', { query: `{${','.repeat(200_000)}` }, CODES.input],
  ['200,000 brackets', { query: '{'.repeat(200_000) }, CODES.input],
]
