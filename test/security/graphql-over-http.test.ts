import { serverAudits } from 'graphql-http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { tallyOf } from './tally.ts'

let carillon: TestCarillon
const tally = tallyOf('S1')
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(async () => {
  await carillon.close()
  tally.report()
})

const audits = serverAudits({
  url: () => carillon.graphqlUrl,
  fetchFn: (url: string, init: RequestInit = {}) =>
    fetch(url, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${carillon.operatorKey}` },
    }),
})

/**
 * What a server may do, and this one does not: a query in an address ends up in logs and caches, and a page elsewhere can
 * make a browser ask for it.
 */
const NOT_BY_GET = new Set([
  'MAY accept application/x-www-form-urlencoded formatted GET requests',
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json',
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json',
])

test.each(audits)('GraphQL over HTTP: $name', async ({ name, fn }) => {
  const result = await fn()
  const expected = NOT_BY_GET.has(name) ? 'notice' : 'ok'
  tally.tried(name, result.status !== expected)
  expect([result.status, 'reason' in result ? result.reason : '']).toEqual([
    expected,
    NOT_BY_GET.has(name) ? 'Response status code is not 200' : '',
  ])
})
