import { buildClientSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { printedSchema } from '../../schema/print.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

test('a tool that asks for the schema gets all of it, descriptions included', async () => {
  const query = getIntrospectionQuery({
    descriptions: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    specifiedByUrl: true,
  })
  for (let time = 0; time < 4; time++) {
    const answer = await carillon.ok(carillon.operatorKey, query)
    expect(`${printSchema(lexicographicSortSchema(buildClientSchema(answer)))}\n`).toBe(printedSchema())
  }
})

test('a recipient may ask for it too, and nobody without a credential', async () => {
  const query = '{ __schema { queryType { name } } }'
  expect((await carillon.ok(await carillon.tokenFor('ada'), query)).__schema.queryType.name).toBe('Query')
  expect((await carillon.ask(null, query)).status).toBe(401)
})
