import { expect, test } from 'vitest'
import { databaseFailure } from '../../server/db/errors.ts'

test.each([
  ['P2034', 'contention'],
  ['P2024', 'unavailable'],
  ['P2002', null],
])('a failure that Prisma numbers %s is %s', (code, expected) => {
  expect(databaseFailure(Object.assign(new Error('as Prisma says it'), { code }))).toBe(expected)
})
