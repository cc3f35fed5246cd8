import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { credentialOf } from '../../server/http/auth.ts'

const credentialIn = (request: {
  readonly authorization?: string
  readonly method?: string
  readonly url?: string
}): string | null => {
  const { authorization, method = 'POST', url = '/graphql' } = request
  return credentialOf({ headers: { authorization }, method, url } as IncomingMessage)
}

test.each([
  ['Bearer ck_key', 'ck_key'],
  ['bearer ck_key', 'ck_key'],
  ['BEARER   a.b.c', 'a.b.c'],
  [undefined, null],
  ['', null],
  ['ck_key', null],
  ['Bearer', null],
  ['Bearer ', null],
  ['Bearerck_key', null],
  ['Bearer\tck_key', null],
  ['Bearer ck_key ', null],
  ['Bearer ck_key more', null],
  ['Basic ck_key', null],
  ['Basic x, Bearer ck_key', null],
  [' Bearer ck_key', null],
])('the header %j is the credential %j', (authorization, credential) => {
  expect(credentialIn(authorization === undefined ? {} : { authorization })).toBe(credential)
})

test.each([
  ['/graphql?token=a.b.c', 'a.b.c'],
  ['/graphql?query=x&token=a.b.c', 'a.b.c'],
  ['/graphql?token=a.b.c&query=x', 'a.b.c'],
  ['?token=a.b.c', 'a.b.c'],
  ['/graphql?token=a%2Eb%2Ec', 'a.b.c'],
  // The first of two: what is read once is not read otherwise elsewhere.
  ['/graphql?token=a.b.c&token=d.e.f', 'a.b.c'],
  ['/graphql', null],
  ['/token=a.b.c', null],
  ['token=a.b.c', null],
  ['/graphql?', null],
  ['/graphql?token=', null],
  ['/graphql?tokens=a.b.c', null],
  ['/graphql?token=ck_key', null],
  ['/graphql?token=a.b', null],
  ['/graphql?token=a.b.c.d', null],
])('of a stream of events in a browser, the address %s holds the credential %j', (url, credential) => {
  expect(credentialIn({ method: 'GET', url })).toBe(credential)
  for (const method of ['POST', 'HEAD', 'OPTIONS']) expect(credentialIn({ method, url })).toBeNull()
})

test('a request without an address has no credential in it, and a header comes before an address', () => {
  expect(credentialOf({ headers: {}, method: 'GET' } as IncomingMessage)).toBeNull()
  expect(credentialIn({ method: 'GET', url: '/graphql?token=a.b.c', authorization: 'Bearer ck_key' })).toBe('ck_key')
})
