import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { printedSchema } from '../schema/print.ts'

test('the committed schema is the one that the server has (npm run generate:schema)', async () => {
  expect(await readFile(new URL('../schema/schema.graphql', import.meta.url), 'utf8')).toBe(printedSchema())
})
