import { writeFile } from 'node:fs/promises'
import { lexicographicSortSchema, printSchema } from 'graphql'
import { schema } from './index.ts'

/** The schema as it is committed: sorted, so that a change shows as what it is. */
export const printedSchema = (): string => `${printSchema(lexicographicSortSchema(schema))}\n`

if (process.argv[1] === import.meta.filename) {
  await writeFile(new URL('schema.graphql', import.meta.url), printedSchema())
}
