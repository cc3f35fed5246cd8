import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { greeting } from '../../support/notifiers.ts'
import { TRIGGER, trigger, triggerInput, tryTrigger } from '../../support/trigger.ts'

const config = { notifiers: [greeting] }
let carillon: TestCarillon
let neighbour: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(config)
  neighbour = await startCarillon(config, { databaseUrl: carillon.databaseUrl })
})
afterAll(async () => {
  await neighbour.close()
  await carillon.close()
})

const eventsWith = async (idempotencyKey: string): Promise<number> => {
  const { rows } = await carillon.sql.query('select count(*)::int from event where idempotency_key = $1', [
    idempotencyKey,
  ])
  return rows[0].count
}

test('the same key with the same request answers the first event', async () => {
  const input = triggerInput()
  const first = await trigger(carillon, input)
  const second = await trigger(carillon, input)
  expect(first.deduplicated).toBe(false)
  expect(second).toEqual({ ...first, deduplicated: true })
})

test('the order of names, of recipients and repetitions of them make no other request', async () => {
  const input = triggerInput({
    payload: { text: 'x', more: { a: 1, b: [1, 2] } },
    recipients: [{ id: 'bob', data: { a: 1, b: 2 } }, { id: 'ada' }],
  })
  await trigger(carillon, input)
  const again = await trigger(carillon, {
    ...input,
    payload: { more: { b: [1, 2], a: 1 }, text: 'x' },
    recipients: [{ id: ' ada' }, { data: { b: 2, a: 1 }, id: 'bob' }, { id: 'ada', email: 'x@example.test' }],
  })
  expect(again.deduplicated).toBe(true)
})

test('the correlation id is no part of the request, and the first one stands', async () => {
  const input = triggerInput({ correlationId: 'first' })
  await trigger(carillon, input)
  const again = await trigger(carillon, { ...input, correlationId: 'second' })
  expect([again.deduplicated, again.event.correlationId]).toEqual([true, 'first'])
})

test.each([
  ['payload', { payload: { text: 'another' } }],
  ['payload that its schema does not know of', { payload: { text: 'hello', more: 1 } }],
  ['recipient', { recipients: [{ id: 'bob' }] }],
  ['detail', { recipients: [{ id: 'ada', email: 'ada@example.test' }] }],
  ['actor', { actorId: 'bob' }],
])('the same key with another %s is a conflict, which names the first event', async (_, change) => {
  const input = triggerInput()
  const { event } = await trigger(carillon, input)
  const { errors } = await tryTrigger(carillon, { ...input, ...change })
  expect(errors[0]?.extensions).toEqual({ code: 'IDEMPOTENCY_CONFLICT', eventId: event.id })
  const { node } = await carillon.ok(carillon.operatorKey, 'query ($id: ID!) { node(id: $id) { __typename id } }', {
    id: errors[0]?.extensions['eventId'],
  })
  expect(node).toEqual({ __typename: 'Event', id: event.id })
})

test('ten at once with one key make one event, on however many servers', async () => {
  const input = triggerInput({ idempotencyKey: 'ten at once' })
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => trigger(index % 2 ? carillon : neighbour, input)),
  )
  expect(new Set(answers.map(({ event }) => event.id)).size).toBe(1)
  expect(answers.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1)
  expect(await eventsWith('ten at once')).toBe(1)
})

test('ten at once with one key and different requests: one wins, nine are refused with its id', async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      tryTrigger(index % 2 ? carillon : neighbour, { idempotencyKey: 'contested', payload: { text: `${index}` } }),
    ),
  )
  const winners = answers.filter(({ errors }) => errors.length === 0)
  expect(winners).toHaveLength(1)
  const codes = answers.flatMap(({ errors }) => errors.map(({ extensions }) => extensions))
  const refusal = { code: 'IDEMPOTENCY_CONFLICT', eventId: winners[0]?.data.trigger.event.id }
  expect(codes).toEqual(Array.from({ length: 9 }, () => refusal))
  expect(await eventsWith('contested')).toBe(1)
})

test('one key in two tenants makes two events', async () => {
  const other = await carillon.addTenant('other')
  const input = triggerInput({ idempotencyKey: randomUUID() })
  const ours = await carillon.ok(carillon.backendKey, TRIGGER, { input })
  const theirs = await carillon.ok(other.backendKey, TRIGGER, { input })
  expect([ours.trigger.deduplicated, theirs.trigger.deduplicated]).toEqual([false, false])
  expect(theirs.trigger.event.id).not.toBe(ours.trigger.event.id)
})
