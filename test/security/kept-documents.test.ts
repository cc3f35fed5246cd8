import { type DocumentNode, getOperationAST, Kind } from 'graphql'
import { expect, test } from 'vitest'
import * as consoleOperations from '../../client-sdk/console/generated/operations.ts'
import * as sdkOperations from '../../client-sdk/generated/operations.ts'
import { schema } from '../../schema/index.ts'
import { createCompiler } from '../../server/http/compiled-execution.ts'
import { createDocumentReader } from '../../server/http/document-reader.ts'
import { costOf, MAX_COST, worth } from '../../server/http/operation-cost.ts'

const VIEWER = '{ viewer { tenantId } }'

/** Each pads a document to so many characters without a token more, or with as few as there can be. */
const PADDINGS: readonly (readonly [string, (length: number, index: number) => string])[] = [
  ['a comment', (length, index) => `${VIEWER}#${String(index).padEnd(length, 'x')}`],
  ['blanks', (length, index) => `${VIEWER}${' '.repeat(length)}#${index}`],
  ['commas', (length, index) => `${VIEWER}${','.repeat(length)}#${index}`],
  ['a string', (length, index) => `{ event(id: "${String(index).padEnd(length, 'x')}") { id } }`],
]

test.each(PADDINGS)('documents full of %s are not kept beyond 16 MB of text', (_, pad) => {
  const read = createDocumentReader()
  const texts = Array.from({ length: 2_000 }, (_, index) => pad(7_000, index))
  const trees = texts.map((text) => read(text))
  // From the newest on, so that those that are read anew push out none that is still to be looked at.
  let characters = 0
  for (let index = texts.length - 1; index >= 0; index--) {
    const text = texts[index] as string
    if (read(text) !== trees[index]) break
    characters += text.length
  }
  expect(characters).toBeGreaterThan(1_000_000)
  expect(characters * 2).toBeLessThanOrEqual(16_000_000)
})

test.each(PADDINGS)('a document full of %s is kept up to a few kilobytes, and not beyond', (_, pad) => {
  const read = createDocumentReader()
  expect(read(pad(7_000, 1))).toBe(read(pad(7_000, 1)))
  expect(read(pad(9_000, 1))).not.toBe(read(pad(9_000, 1)))
})

test('however short they are, no more than 2,000 documents are kept', () => {
  const read = createDocumentReader()
  const trees = Array.from({ length: 2_001 }, (_, index) => read(`{ a${index} }`))
  expect(read('{ a2000 }')).toBe(trees[2_000])
  expect(read('{ a1 }')).toBe(trees[1])
  expect(read('{ a0 }')).not.toBe(trees[0])
})

test('a document that is not kept is not compiled either, however often it is executed', () => {
  const timesUntilCompiled = (document: DocumentNode): number | null => {
    const compiler = createCompiler()
    for (let time = 1; time <= 10; time++) if (compiler.compiledFor({ schema, document })) return time
    return null
  }
  const read = createDocumentReader()
  expect(timesUntilCompiled(read(VIEWER))).toBe(3)
  expect(timesUntilCompiled(read(`${VIEWER}#${'x'.repeat(9_000)}`))).toBeNull()
})

const OPERATIONS = [...Object.entries(sdkOperations), ...Object.entries(consoleOperations)].filter(([name]) =>
  name.endsWith('Document'),
)

test.each(OPERATIONS)('%s, of the SDK or the console, is kept, and costs no more than it may', (_, operation) => {
  const read = createDocumentReader()
  const document = read(String(operation))
  expect(read(String(operation))).toBe(document)
  const asked = getOperationAST(document)
  const fragments = new Map(
    document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])),
  )
  if (asked) expect(worth(costOf(schema, asked, fragments), {})).toBeLessThanOrEqual(MAX_COST)
})
