import { readFile } from 'node:fs/promises'
import { generate } from '@graphql-codegen/cli'
import { expect, test } from 'vitest'
import codegen from '../../codegen.ts'

test('the committed types and documents are those of the schema (npm run generate:sdk)', async () => {
  const files = await generate({ ...codegen, silent: true }, false)
  expect(files.map(({ filename }: { filename: string }) => filename).sort()).toEqual([
    'client-sdk/console/generated/operations.ts',
    'client-sdk/generated/operations.ts',
  ])
  for (const { filename, content } of files) expect(await readFile(filename, 'utf8')).toBe(content)
})
