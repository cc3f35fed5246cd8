import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeNodeId, idOfType } from '../../server/core/node-id.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { page, siren } from '../support/notifiers.ts'
import { report, reportsOf, takesEvents } from '../support/reports.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { refusalOf, trigger } from '../support/trigger.ts'

const clock = new TestClock()
let carillon: TestCarillon
let neighbour: { readonly backendKey: string; readonly operatorKey: string }
/** Each with three reports, the latter's reports by another adapter. */
let paged: string
let alarmed: string

const send = async (notificationKey: string, channel: string): Promise<string> => {
  const { event } = await trigger(carillon, { notificationKey, payload: {} })
  await carillon.drainJobs()
  return (await deliveryOf(carillon, { eventId: event.id, channel })).id
}

beforeAll(async () => {
  const pager = scripted('pager', takesEvents)
  const horn = scripted('horn', takesEvents)
  carillon = await startCarillon({ notifiers: [page, siren], adapters: { pager, siren: horn } }, { clock })
  neighbour = await carillon.addTenant('neighbour')
  paged = await send('pager.call', 'pager')
  alarmed = await send('siren.call', 'siren')
  const events = (deliveryId: string, name: string) => [
    { status: 'delivered', deliveryId, providerEventId: `${name}-1`, providerMessageId: `${name}-m` },
    { status: 'complained', deliveryId },
    { status: 'bounced', providerMessageId: `${name}-unknown` },
  ]
  await report(carillon, 'pager', events(paged, 'page'))
  clock.advance(1_000)
  await carillon.drainJobs()
  await report(carillon, 'horn', events(alarmed, 'alarm'))
})
afterAll(() => carillon.close())

test('a report says whose it was, what it said, about what, and what came of it', async () => {
  const [delivered, complained, bounced] = await reportsOf(carillon, { adapter: 'pager' })
  const accepted = { adapter: 'pager', insertedAt: '2026-01-15T12:00:00.000Z' }
  expect(delivered).toEqual({
    ...accepted,
    id: expect.any(String),
    providerEventId: 'page-1',
    providerMessageId: 'page-m',
    normalizedStatus: 'delivered',
    state: 'PROCESSED',
    ignoredReason: null,
    delivery: { id: paged },
    processedAt: '2026-01-15T12:00:01.000Z',
  })
  expect(complained).toMatchObject({ ...accepted, providerEventId: null, providerMessageId: null, state: 'PROCESSED' })
  expect(bounced).toMatchObject({
    ...accepted,
    normalizedStatus: 'bounced',
    state: 'IGNORED',
    ignoredReason: 'unresolved',
    delivery: null,
    processedAt: accepted.insertedAt,
  })
  const [waiting] = await reportsOf(carillon, { adapter: 'horn' })
  expect(waiting).toMatchObject({ state: 'QUEUED', delivery: { id: alarmed }, processedAt: null })
})

test.each([
  ['adapter', { adapter: 'horn' }, 3],
  ['state', { state: 'IGNORED' }, 2],
  ['delivery', () => ({ deliveryId: paged }), 2],
  ['all of it', () => ({ adapter: 'horn', state: 'QUEUED', deliveryId: alarmed }), 2],
  ['what contradicts itself', () => ({ adapter: 'horn', deliveryId: paged }), 0],
  ['an adapter that is not there', { adapter: 'nobody' }, 0],
  ['an id that was never issued', { deliveryId: 'nonsense' }, 0],
  ['nothing', {}, 6],
  ['nothing at all', null, 6],
] as const)('they are found by %s', async (_, filter, found) => {
  const given = typeof filter === 'function' ? filter() : filter
  expect(await reportsOf(carillon, given as Record<string, unknown>)).toHaveLength(found)
})

const PAGE = `query ($first: Int, $after: String, $last: Int, $before: String) {
  webhookIngresses(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`

test('they are paged, newest first, from either end', async () => {
  const all = (await reportsOf(carillon)).map(({ id }) => id).toReversed()
  const pageOf = async (variables: Record<string, unknown>) => {
    const { webhookIngresses } = await carillon.ok(carillon.operatorKey, PAGE, variables)
    return webhookIngresses
  }
  const idsOf = ({ edges }: { edges: { node: { id: string } }[] }) => edges.map(({ node }) => node.id)
  const first = await pageOf({ first: 4 })
  expect([idsOf(first), first.pageInfo.hasNextPage]).toEqual([all.slice(0, 4), true])
  const rest = await pageOf({ first: 4, after: first.pageInfo.endCursor })
  expect([idsOf(rest), rest.pageInfo.hasNextPage, rest.pageInfo.hasPreviousPage]).toEqual([all.slice(4), false, true])
  expect(idsOf(await pageOf({ last: 2 }))).toEqual(all.slice(4))
  const refused = await carillon.ask(carillon.operatorKey, PAGE, { first: 101 })
  expect(refusalOf(refused)).toEqual({ code: 'BAD_USER_INPUT', path: 'first' })
})

test('a report is found again by its id, by an operator of its tenant and nobody else', async () => {
  const [{ id }] = (await reportsOf(carillon, { deliveryId: paged })) as [{ id: string }]
  const query = 'query ($id: ID!) { node(id: $id) { id ... on WebhookIngress { adapter delivery { channel } } } }'
  const nodeFor = async (credential: string) => (await carillon.ok(credential, query, { id })).node
  expect(await nodeFor(carillon.operatorKey)).toEqual({ id, adapter: 'pager', delivery: { channel: 'pager' } })
  expect(id).toBe(encodeNodeId('WebhookIngress', idOfType('WebhookIngress', id) as string))
  for (const credential of [neighbour.operatorKey, carillon.backendKey, await carillon.tokenFor('ada')]) {
    expect(await nodeFor(credential)).toBeNull()
  }
})

test("a tenant sees none of another's reports", async () => {
  const query = 'query ($id: ID!) { webhookIngresses(filter: { deliveryId: $id }) { edges { node { id } } } }'
  const { webhookIngresses } = await carillon.ok(neighbour.operatorKey, query, { id: paged })
  expect(webhookIngresses.edges).toEqual([])
  expect(await reportsOf({ ...carillon, operatorKey: neighbour.operatorKey })).toEqual([])
})
