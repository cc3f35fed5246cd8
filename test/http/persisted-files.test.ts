import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { manifest } from '../../client-sdk/build-manifest.ts'
import { schema } from '../../schema/index.ts'
import { persistedFaults } from '../../server/cli/persisted-faults.ts'
import { hashOf, readManifest } from '../../server/cli/persisted-manifest.ts'
import { readPersistedOperations } from '../../server/cli/persisted-operations.ts'
import { readEnvironment } from '../../server/environment.ts'
import { SetupError } from '../../server/errors.ts'
import { manifestOf, withFile } from '../support/persisted.ts'

const ROOT = join(import.meta.dirname, '../..')
const WHO = 'query Who { viewer { tenantId } }'
const read = (file: string, introspection = false) =>
  readPersistedOperations({ persistedOperations: [file], persistedOnly: 'everyone' }, { introspection })

test('the committed list of Carillon’s own operations is that of its client and console (npm run generate:sdk)', async () => {
  expect(await readFile(join(ROOT, 'client-sdk/generated/persisted-operations.json'), 'utf8')).toBe(manifest())
})

test('Carillon’s own operations are listed without a file, and each could be answered in production', async () => {
  const { texts, byHash } = await readPersistedOperations(
    { persistedOperations: [], persistedOnly: 'off' },
    { introspection: false },
  )
  expect(texts.size).toBeGreaterThan(40)
  const faultsOf = persistedFaults(schema, { introspection: false })
  expect([...byHash].flatMap(([hash, text]) => faultsOf({ hash, text }))).toEqual([])
  for (const text of texts) expect(validate(schema, parse(text))).toEqual([])
})

test.each<[string, string]>([
  ['hash to text', JSON.stringify({ [hashOf(WHO)]: WHO })],
  ['hash with its kind to text', manifestOf(WHO)],
  [
    'Apollo’s manifest',
    JSON.stringify({
      format: 'apollo-persisted-query-manifest',
      version: 1,
      operations: [{ id: hashOf(WHO), name: 'Who', type: 'query', body: WHO }],
    }),
  ],
])('a file is read that has %s', async (_, content) => {
  const { texts, byHash } = await withFile(content, read)
  expect([byHash.get(hashOf(WHO)), texts.has(WHO)]).toEqual([WHO, true])
})

test.each<[string, string]>([
  ['no JSON', '{'],
  ['a list', '[]'],
  ['a list of texts', JSON.stringify([WHO])],
  ['null', 'null'],
  ['numbers for texts', '{"a":1}'],
  ['texts in objects', JSON.stringify({ [hashOf(WHO)]: { text: WHO } })],
])('a file that is %s is none', async (_, content) => {
  expect(readManifest(content)).toBeNull()
  await expect(withFile(content, read)).rejects.toThrow('is no JSON of hashes and texts')
})

const WEIGHTY = `query Weighty { ${Array.from({ length: 11 }, (_, index) => `a${index}: outcomes { outcome }`).join(' ')} }`

test.each<[string, string, string, string]>([
  ['a hash of another text', hashOf('x'), WHO, '(query Who): the hash is not the SHA-256 of the text'],
  ['a hash of another kind', '2b5f1b1b2e1c4a7f9c3f6a1f0a7c7b11', WHO, '(query Who): the hash is not the SHA-256'],
  ['no GraphQL', '', 'query Who {', '(query Who): Syntax Error'],
  ['a field that there is not', '', 'query Who { nobody }', '(query Who): Cannot query field "nobody"'],
  ['an argument that is missing', '', 'query E { event { id } }', '(query E): Field "event" argument "id"'],
  ['a fragment alone', '', 'fragment V on Viewer { tenantId }', '(no name): Fragment "V" is never used.'],
  ['the schema', '', '{ __schema { queryType { name } } }', '(no name): GraphQL introspection'],
  [
    'too many tokens',
    '',
    `{ ${'viewer { tenantId } '.repeat(600)} }`,
    '(no name): The document has more than 2000 tokens',
  ],
  [
    'too many aliases',
    '',
    `query A { ${Array.from({ length: 31 }, (_, i) => `a${i}: __typename`).join(' ')} }`,
    '(query A):',
  ],
  ['too high a cost', '', WEIGHTY, '(query Weighty): The operation costs'],
])('what holds %s is refused, by file, hash and name', async (_, given, text, said) => {
  const hash = given || hashOf(text)
  await withFile(JSON.stringify({ [hash]: text }), async (file) => {
    const refused = await read(file).then(
      () => null,
      (error: unknown) => error,
    )
    expect(refused).toBeInstanceOf(SetupError)
    expect((refused as Error).message).toContain(`- ${file}: ${hash} ${said}`)
  })
})

test('what asks for the schema may be listed where it is shown', async () => {
  const text = '{ __schema { queryType { name } } }'
  expect((await withFile(manifestOf(text), (file) => read(file, true))).texts.has(text)).toBe(true)
})

test('the faults of all files are told at once, and of many the first', async () => {
  const many = Array.from({ length: 30 }, (_, index) => `query Q${index} { nobody }`)
  await withFile(manifestOf(...many), async (file) => {
    const missing = `${file}.not`
    const environment = readEnvironment({ CARILLON_PERSISTED_OPERATIONS: ` ${missing}, ${file},` })
    const { message } = await readPersistedOperations(environment, { introspection: false }).then(
      () => new Error('was read'),
      (error: Error) => error,
    )
    const lines = message.split('\n')
    expect(lines[1]).toBe(`- ${missing} cannot be read (ENOENT)`)
    expect(lines).toHaveLength(1 + 20 + 1)
    expect(lines.at(-1)).toBe('- and 11 more')
  })
})

test('nobody is bound where the environment says nothing, and a word that is none is refused by name', () => {
  expect(readEnvironment({})).toMatchObject({ persistedOperations: [], persistedOnly: 'off' })
  expect(readEnvironment({ CARILLON_PERSISTED_OPERATIONS_ONLY: 'recipients' }).persistedOnly).toBe('recipients')
  expect(() => readEnvironment({ CARILLON_PERSISTED_OPERATIONS_ONLY: 'on' })).toThrow(
    'CARILLON_PERSISTED_OPERATIONS_ONLY must be one of off, recipients, everyone',
  )
})
