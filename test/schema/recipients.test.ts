import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { refusalOf } from '../support/trigger.ts'

const UPSERT = `mutation ($input: UpsertRecipientsInput!) {
  upsertRecipients(input: $input) { recipients { id recipientId type displayName email timeZone data addresses { id channel address bouncedAt } } }
}`
const LIST = `query ($filter: RecipientFilter, $first: Int, $after: String, $last: Int, $before: String) {
  recipients(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    edges { node { recipientId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

const upsert = async (...recipients: readonly object[]) =>
  (await carillon.ok(carillon.backendKey, UPSERT, { input: { recipients } })).upsertRecipients.recipients

test('recipients are created, and answered in the order given', async () => {
  const made = await upsert({ id: ' zoe ' }, { id: 'ada', displayName: 'Ada', data: { plan: 'pro' } })
  expect(made).toMatchObject([
    { recipientId: 'zoe', type: 'user', displayName: null, data: {}, addresses: [] },
    { recipientId: 'ada', type: 'user', displayName: 'Ada', data: { plan: 'pro' } },
  ])
})

test('what is left out stays, null removes, and addresses are added', async () => {
  const [first] = await upsert({
    id: 'bob',
    email: 'bob@example.test',
    timeZone: 'Europe/Berlin',
    addresses: [{ channel: 'push', address: 'one' }],
  })
  const [changed] = await upsert({
    id: 'bob',
    timeZone: null,
    addresses: [
      { channel: 'push', address: 'one' },
      { channel: 'push', address: 'two' },
    ],
  })
  expect(changed).toMatchObject({ id: first.id, email: 'bob@example.test', timeZone: null })
  expect(changed.addresses.map(({ channel, address }: Record<string, string>) => [channel, address])).toEqual([
    ['email', 'bob@example.test'],
    ['push', 'one'],
    ['push', 'two'],
  ])
  expect(new Set(changed.addresses.map(({ id }: { id: string }) => id)).size).toBe(3)
})

test('one id twice, one too many, or one that cannot be stored refuses the whole', async () => {
  const refusal = async (recipients: readonly object[]) =>
    refusalOf(await carillon.ask(carillon.backendKey, UPSERT, { input: { recipients } }))
  const before = await carillon.sql.query('select count(*) from recipient')
  expect(await refusal([{ id: 'new' }, { id: ' new' }])).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients' })
  const many = Array.from({ length: 1_001 }, (_, index) => ({ id: `many-${index}` }))
  expect(await refusal(many)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients' })
  expect(await refusal([{ id: 'new' }, { id: 'x', locale: 'de_CH' }])).toMatchObject({
    path: 'input.recipients.1.locale',
  })
  expect((await carillon.sql.query('select count(*) from recipient')).rows).toEqual(before.rows)
})

const listed = async (args: object) => {
  const { recipients } = await carillon.ok(carillon.backendKey, LIST, { ...args })
  return { ids: recipients.edges.map(({ node }: GraphQLAnswer['data']) => node.recipientId), ...recipients.pageInfo }
}

test('recipients are listed in order of their ids, a page at a time, both ways', async () => {
  await upsert(...['p-3', 'p-1', 'p-2', 'p-5', 'p-4'].map((id) => ({ id })))
  const filter = { recipientId: 'p-' }
  const first = await listed({ filter, first: 2 })
  expect(first).toMatchObject({ ids: ['p-1', 'p-2'], hasNextPage: true, hasPreviousPage: false })
  const second = await listed({ filter, first: 3, after: first.endCursor })
  expect(second).toMatchObject({ ids: ['p-3', 'p-4', 'p-5'], hasNextPage: false, hasPreviousPage: true })
  const last = await listed({ filter, last: 2 })
  expect(last).toMatchObject({ ids: ['p-4', 'p-5'], hasNextPage: false, hasPreviousPage: true })
  expect((await listed({ filter, last: 2, before: last.startCursor })).ids).toEqual(['p-2', 'p-3'])
})

test('a filter means the letters that it is made of', async () => {
  const ids = ['q_1', 'qx1', 'q%1', 'q\\1', 'Q_1']
  await upsert(...ids.map((id) => ({ id })))
  for (const id of ids) expect((await listed({ filter: { recipientId: id } })).ids).toEqual([id])
  expect((await listed({ filter: { recipientId: 'q_' } })).ids).toEqual(['q_1'])
})

test("another list's cursor is none of this one", async () => {
  const answer = await carillon.ask(carillon.backendKey, LIST, { after: Buffer.from('a:1').toString('base64url') })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'after' })
  const nul = await carillon.ask(carillon.backendKey, LIST, { after: Buffer.from('r:a\0').toString('base64url') })
  expect(refusalOf(nul)).toEqual({ code: 'BAD_USER_INPUT', path: 'after' })
})
