import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier } from '../../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { greeting } from '../../support/notifiers.ts'
import { countRows, refusalOf, trigger, triggerInput, tryTrigger } from '../../support/trigger.ts'

const pagers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ channel: 'pager', address: `p-${from + index}` }))

/** Gives the addresses itself that its payload says. */
const roster = defineNotifier({
  key: 'roster',
  version: 1,
  payload: z.object({ from: z.number(), to: z.number() }),
  recipients: ({ payload: { from, to } }) => [{ id: 'rostered', addresses: pagers(from, to) }],
  channels: ['in_app'],
  render: { in_app: () => ({ title: 'Roster' }) },
})

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting, roster] })
})
afterAll(() => carillon.close())

const countOf = async (recipientId: string): Promise<number> => {
  const { rowCount } = await carillon.sql.query('select from recipient_address where recipient_id = $1', [recipientId])
  return rowCount ?? 0
}
const batch = async (triggers: readonly object[]): Promise<(string | null)[]> => {
  const query = `mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { error { code message } } } }`
  const { triggerBatch } = await carillon.ok(carillon.backendKey, query, { input: { triggers } })
  return triggerBatch.results.map(({ error }: GraphQLAnswer['data']) => error && `${error.code} ${error.message}`)
}

test.each([
  ['at once', {}],
  ['later', { sendAt: '2100-01-01T00:00:00Z' }],
])('a trigger sent %s cannot give a recipient more addresses than one may have', async (when, more) => {
  const id = `crowded ${when}`
  await trigger(carillon, { ...more, recipients: [{ id, email: 'a@example.test', addresses: pagers(0, 99) }] })
  const before = await countRows(carillon)
  const recipients = [
    { id: 'fine', displayName: 'Fine' },
    { id: ` ${id} `, addresses: pagers(98, 100) },
  ]
  const answer = await tryTrigger(carillon, { ...more, recipients })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients.1.addresses' })
  expect(answer.errors[0]?.message).toBe(
    'Cannot trigger "greeting": recipient 1 would have more than 100 addresses: remove some first',
  )
  expect(await countRows(carillon)).toEqual(before)
  // What it has may be repeated with every trigger.
  await trigger(carillon, { ...more, recipients: [{ id, addresses: pagers(0, 99) }] })
  expect(await countOf(id)).toBe(99)
})

test('nor can a notifier that names its recipients itself', async () => {
  await trigger(carillon, { notificationKey: 'roster', payload: { from: 0, to: 100 }, recipients: null })
  const before = await countRows(carillon)
  const input = { notificationKey: 'roster', payload: { from: 100, to: 101 }, recipients: null }
  const answer = await tryTrigger(carillon, input)
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.payload' })
  expect(answer.errors[0]?.message).toContain('"rostered" would have more than 100 addresses')
  expect(await countRows(carillon)).toEqual(before)
})

test('of triggers that are committed together, that one alone is refused which is too much', async () => {
  const to = (id: string, from: number, to: number) =>
    triggerInput({ recipients: [{ id, addresses: pagers(from, to) }] })
  const answers = await batch([
    to('neighbour', 0, 60),
    to('shared', 0, 60),
    to('shared', 60, 100),
    to('shared', 100, 130),
    to('other', 0, 100),
  ])
  const refused =
    'BAD_USER_INPUT Cannot trigger "greeting": recipient 0 would have more than 100 addresses: remove some first'
  expect(answers).toEqual([null, null, null, refused, null])
  expect(await Promise.all(['neighbour', 'shared', 'other'].map(countOf))).toEqual([60, 100, 100])
})
