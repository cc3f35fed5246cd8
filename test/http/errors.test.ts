import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everyTestCounts } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { greeting } from '../support/notifiers.ts'
import { refusalOf, TRIGGER, triggerInput } from '../support/trigger.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
})
afterAll(() => carillon.close())

test.each([
  ['a syntax error', '{ viewer { tenantId '],
  ['an empty document', ' '],
  ['a field that does not exist', '{ viewer { nothing } }'],
  ['an argument that does not exist', '{ inbox(whose: "ada") { cursor } }'],
  ['a selection that is missing', '{ viewer }'],
  ['a variable that is not declared', '{ event(id: $id) { id } }'],
  ['a fragment on nothing', '{ node(id: "x") { ... on Nothing { id } } }'],
  ['half a character', '{ event(id: "\\uD800") { id } }'],
])('%s is a mistake in the request', async (_, query) => {
  const answer = await carillon.ask(carillon.operatorKey, query)
  expect(refusalOf(answer).code).toBe('BAD_USER_INPUT')
  expect(answer.data).toBeNull()
})

const INBOX =
  'query ($first: Int, $filter: InboxFilter) { inbox(recipientId: "ada") { notifications(first: $first, filter: $filter) { edges { cursor } } } }'
const EVENTS = 'query ($filter: EventFilter) { events(filter: $filter) { edges { cursor } } }'
const EVENT = 'query ($id: ID!) { event(id: $id) { id } }'

test.each<[string, string, Record<string, unknown>, string]>([
  ['text for a number', INBOX, { first: 'ten' }, 'first'],
  ['a fraction for a whole number', INBOX, { first: 1.5 }, 'first'],
  ['a number beyond 32 bits', INBOX, { first: 2 ** 31 }, 'first'],
  ['text for a truth value', INBOX, { filter: { read: 'yes' } }, 'filter.read'],
  ['a number in a list of texts', INBOX, { filter: { categories: ['a', 7] } }, 'filter.categories.1'],
  ['a field that does not exist', INBOX, { filter: { nothing: 1 } }, 'filter'],
  ['a member that does not exist', EVENTS, { filter: { status: ['PLANNED', 'LOST'] } }, 'filter.status.1'],
  ['a date that is none', EVENTS, { filter: { insertedAfter: '2026-13-01T00:00:00Z' } }, 'filter.insertedAfter'],
  ['a date without an offset', EVENTS, { filter: { insertedAfter: '2026-01-01T00:00:00' } }, 'filter.insertedAfter'],
  ['a number for a date', EVENTS, { filter: { insertedBefore: 0 } }, 'filter.insertedBefore'],
  ['an id that is left out', EVENT, {}, 'id'],
  ['an id that is null', EVENT, { id: null }, 'id'],
  ['an id that is an object', EVENT, { id: {} }, 'id'],
  ['an input that is left out', TRIGGER, {}, 'input'],
  [
    'a recipient without an id',
    TRIGGER,
    { input: triggerInput({ recipients: [{ id: 'a' }, { email: 'x' }] }) },
    'input.recipients.1',
  ],
  ['a recipient that is null', TRIGGER, { input: triggerInput({ recipients: [null] }) }, 'input.recipients.0'],
  ['a key that is no text', TRIGGER, { input: triggerInput({ idempotencyKey: 7 }) }, 'input.idempotencyKey'],
])('%s is refused, and the place is named', async (_, query, variables, path) => {
  // What is sent often is executed in another way, which must not be seen.
  for (let time = 0; time < 5; time++) {
    const answer = await carillon.ask(carillon.operatorKey, query, variables)
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path })
    expect(answer.data).toBeNull()
  }
})

test.each<[string, string]>([
  ['{ inbox(recipientId: "ada") { notifications(first: "ten") { edges { cursor } } } }', 'first'],
  ['{ events(filter: { status: [PLANNED, LOST] }) { edges { cursor } } }', 'filter.status.1'],
  ['{ events(filter: { insertedAfter: "yesterday" }) { edges { cursor } } }', 'filter.insertedAfter'],
  ['{ event(id: null) { id } }', 'id'],
  ['{ event { id } }', 'id'],
  [
    'mutation { trigger(input: { notificationKey: "greeting", idempotencyKey: "x", recipients: [{ id: "a" }, {}] }) { deduplicated } }',
    'input.recipients.1',
  ],
])('the place is named in the document too: %s', async (query, path) => {
  expect(refusalOf(await carillon.ask(carillon.operatorKey, query))).toEqual({ code: 'BAD_USER_INPUT', path })
})

test('a document of more than 2,000 tokens is too complex', async () => {
  const query = `{ ${Array.from({ length: 700 }, (_, index) => `v${index}: viewer { tenantId }`).join(' ')} }`
  expect(refusalOf(await carillon.ask(carillon.operatorKey, query)).code).toBe('QUERY_TOO_COMPLEX')
})

describe('faults of the server', () => {
  everyTestCounts('S34')

  test("what goes wrong on the server's side is told without detail, and logged with it", async () => {
    const logged = carillon.app.telemetry.once('request.failed')
    await carillon.sql.query('revoke select on notification from carillon_app')
    const answer = await carillon.ask(
      carillon.operatorKey,
      '{ inbox(recipientId: "ada") { notifications { edges { cursor } } } }',
    )
    await carillon.sql.query('grant select on notification to carillon_app')
    expect(answer.errors).toEqual([
      {
        message: 'Something went wrong on the server; its log says what',
        path: ['inbox', 'notifications'],
        locations: expect.anything(),
        extensions: { code: 'INTERNAL', errorId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      },
    ])
    const { error, errorId } = await logged
    expect(error.message).toContain('permission denied')
    expect(answer.errors[0]?.extensions['errorId']).toBe(errorId)
  })

  test('what goes wrong below Prisma is told without detail as well, also in a batch', async () => {
    await carillon.sql.query('revoke select on event, delivery from carillon_app')
    const reads = await carillon.ask(
      carillon.operatorKey,
      '{ events { edges { cursor } } deliveries { edges { cursor } } }',
    )
    const query =
      'mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { error { code message } } } }'
    const writes = await carillon.ask(carillon.backendKey, query, { input: { triggers: [triggerInput()] } })
    await carillon.sql.query('grant select on event, delivery to carillon_app')
    for (const { message, extensions } of reads.errors) {
      expect([message, extensions]).toEqual([
        'Something went wrong on the server; its log says what',
        { code: 'INTERNAL', errorId: expect.any(String) },
      ])
    }
    expect(writes.data.triggerBatch.results).toEqual([
      { error: { code: 'INTERNAL', message: 'Something went wrong on the server; its log says what' } },
    ])
  })
})

test('a field that fails leaves the others of its request as they are', async () => {
  const query =
    '{ viewer { tenantId } inbox(recipientId: "ada") { cursor counts { total } page: notifications(first: 101) { edges { cursor } } } }'
  const { data, errors } = await carillon.ask(carillon.operatorKey, query)
  expect(errors.map(({ path }) => path)).toEqual([['inbox', 'page']])
  // What may not be null takes its parents with it, up to the whole.
  expect(data).toBeNull()
})
