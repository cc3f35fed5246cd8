import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { llmsFiles } from '../../docs/llms.ts'
import { apiReference } from '../../schema/reference.ts'
import { ROOT } from './support/pages.ts'

const committed = (path: string): Promise<string> => readFile(`${ROOT}/${path}`, 'utf8')

test('docs/api.md is the reference of the schema that the server has (npm run generate:reference)', async () => {
  expect((await committed('docs/api.md')) === apiReference()).toBe(true)
})

test('llms.txt leads to every guide, and llms-full.txt holds them all (npm run generate:llms)', async () => {
  for (const [name, text] of Object.entries(await llmsFiles())) {
    expect([name, (await committed(name)) === text]).toEqual([name, true])
  }
})
