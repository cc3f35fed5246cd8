import { afterAll, beforeAll, expect, test } from 'vitest'
import { REASONS } from '../../server/core/reasons.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

const readReasons = async (): Promise<{ readonly code: string; readonly description: string }[]> =>
  (await carillon.ok(carillon.operatorKey, '{ reasons { code description } }')).reasons

test('the whole vocabulary is there, each reason once with its meaning', async () => {
  const reasons = await readReasons()
  expect(Object.fromEntries(reasons.map(({ code, description }) => [code, description]))).toEqual(REASONS)
  expect(reasons.length).toBe(Object.keys(REASONS).length)
})

test('reasons come in order of their codes', async () => {
  const codes = (await readReasons()).map(({ code }) => code)
  expect(codes).toEqual([...codes].sort())
  expect(codes[0]).toBe('address_bounced')
})

test('a meaning is a sentence', async () => {
  for (const { description } of await readReasons()) expect(description).toMatch(/^[A-Z].*\.$/)
})
