import type { Pool, QueryConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Prisma } from '../../generated/prisma/client.ts'
import { encodeNodeId } from '../../server/core/node-id.ts'
import type { TailedRow, TailFilter } from '../../server/db/sql/read-tailed-deliveries.ts'
import { defineNotifier } from '../../server/index.ts'
import { memoryBus } from '../../server/realtime/bus.ts'
import { type DeliveryTail, openDeliveryTail } from '../../server/realtime/delivery-tail.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { buckets, comment, comments, flush, HOURLY } from '../support/digests.ts'
import { greeting, invoice, mention } from '../support/notifiers.ts'
import { operate } from '../support/operator.ts'
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts'
import { report, takesEvents } from '../support/reports.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { NIGHT, setPolicy, subscribe } from '../support/settings.ts'
import { trigger } from '../support/trigger.ts'
import { until } from '../support/until.ts'

/** By e-mail, and by e-mail again. */
const chase = defineNotifier({
  key: 'chase',
  version: 1,
  payload: z.object({}),
  channels: ['email'],
  render: { email: () => ({ subject: 'Look', html: '', text: 'Look' }) },
  workflow: {
    key: 'chase',
    version: 1,
    steps: [
      { key: 'first', channel: 'email', next: [{ on: ['delivered'], to: 'second' }] },
      { key: 'second', channel: 'email' },
    ],
  },
})

const clock = new TestClock()
const mail = scripted('mail', takesEvents)
let carillon: TestCarillon
let foreign: { readonly backendKey: string; readonly operatorKey: string }
beforeAll(async () => {
  const notifiers = [greeting, invoice, mention, comment, chase]
  carillon = await startCarillon({ notifiers, adapters: { email: mail }, digestRules: [HOURLY] }, { clock })
  foreign = await carillon.addTenant('other')
})
afterAll(() => carillon.close())

const UPDATES = `subscription ($filter: DeliveryFilter) {
  deliveryUpdates(filter: $filter) {
    id channel status orchestrationState suppressionReason notification { recipientId } attempts { outcome }
  }
}`

type Update = GraphQLAnswer['data']
/** Whoever follows deliveries over a socket, and what it was told so far. */
const follow = async (filter: Record<string, unknown> | null, key = carillon.operatorKey) => {
  const before = carillon.app.tail.followerCount
  const socket: RawSocket = await openRawSocket(carillon.wsUrl, { token: key })
  socket.subscribe('1', UPDATES, { filter })
  await until('it is followed', () => carillon.app.tail.followerCount > before)
  const updates = (): Update[] =>
    socket.answers('1').flatMap(({ payload }) => (payload?.data ? [payload.data.deliveryUpdates] : []))
  const stands = () =>
    updates().map(({ channel, status, suppressionReason }) => `${channel} ${suppressionReason ?? status}`)
  return {
    socket,
    updates,
    stands,
    told: (...wanted: readonly string[]) =>
      until(`${wanted.join(', ')} was told`, () => wanted.every((stand) => stands().includes(stand))),
    end: () => socket.end(),
  }
}

let count = 0
const someone = (): { readonly id: string; readonly email: string } => {
  count += 1
  return { id: `r${count}`, email: `r${count}@example.test` }
}
const bill = async (recipient = someone()) =>
  (await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 7 }, recipients: [recipient] })).event

describe('a change is told, with the state it led to, of', () => {
  test('a trigger, and the call of a provider', async () => {
    const recipient = someone()
    const follower = await follow({ recipientId: recipient.id })
    const payload = { author: 'Bob' }
    await trigger(carillon, { notificationKey: 'comment.mentioned', payload, recipients: [recipient] })
    await follower.told('in_app SUCCEEDED', 'email PENDING')
    await carillon.drainJobs()
    await follower.told('email SUCCEEDED')
    const last = follower.updates().at(-1)
    expect(last).toMatchObject({ notification: { recipientId: recipient.id }, attempts: [{ outcome: 'SUCCEEDED' }] })
    await follower.end()
  })

  test('a call under way, and one that failed for now', async () => {
    const recipient = someone()
    const follower = await follow({ recipientId: recipient.id, channel: 'email' })
    let answer: (given: unknown) => void = () => {}
    mail.next(
      () =>
        new Promise((resolve) => {
          answer = resolve
        }),
    )
    await bill(recipient)
    const drained = carillon.drainJobs()
    await follower.told('email DISPATCHED')
    answer({ outcome: 'temporary', reason: 'busy' })
    await drained
    await follower.told('email FAILED')
    await follower.end()
  })

  test('an event that is cancelled, once', async () => {
    const recipient = someone()
    const follower = await follow({ recipientId: recipient.id })
    const { id: eventId } = await bill(recipient)
    await carillon.ok(
      carillon.backendKey,
      'mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { event { id } } }',
      { input: { eventId } },
    )
    await follower.told('email event_cancelled')
    await follower.end()
  })

  test('an operator’s change', async () => {
    const recipient = someone()
    const follower = await follow({ recipientId: recipient.id })
    const { id: eventId } = await bill(recipient)
    await operate(carillon, 'cancel', (await deliveryOf(carillon, { eventId })).id)
    await follower.told('email cancelled_by_operator')
    await follower.end()
  })

  test('a provider’s report', async () => {
    const recipient = someone()
    const { id: eventId } = await bill(recipient)
    await carillon.drainJobs()
    const follower = await follow({ recipientId: recipient.id })
    const { id: deliveryId } = await deliveryOf(carillon, { eventId })
    await report(carillon, 'mail', [{ status: 'bounced', deliveryId }])
    await carillon.drainJobs()
    await follower.told('email bounced')
    await follower.end()
  })

  test('an audience that is planned in chunks', async () => {
    const ids = Array.from({ length: 1_100 }, (_, index) => `many-${index}`)
    await subscribe(carillon, 'many', ids.slice(0, 1_000))
    await subscribe(carillon, 'many', ids.slice(1_000))
    const last = ids.toSorted().at(-1) as string
    const follower = await follow({ recipientId: last })
    await trigger(carillon, { recipients: null, topics: ['many'] })
    await carillon.drainJobs()
    await follower.told('in_app SUCCEEDED')
    await follower.end()
  })

  test('an in-app delivery that was put off', async () => {
    const recipient = someone()
    await setPolicy(carillon, recipient.id, {
      quietHours: [{ start: '11:00', end: '13:00', channels: ['in_app'] }],
    })
    const follower = await follow({ recipientId: recipient.id })
    await trigger(carillon, { recipients: [recipient] })
    await follower.told('in_app PENDING')
    clock.set('2026-01-15T13:30:00.000Z')
    await carillon.drainJobs()
    await follower.told('in_app SUCCEEDED')
    await follower.end()
  })

  test('the next step of a workflow', async () => {
    const recipient = someone()
    const follower = await follow({ recipientId: recipient.id })
    await trigger(carillon, { notificationKey: 'chase', payload: {}, recipients: [recipient] })
    await follower.told('email PENDING')
    await carillon.drainJobs()
    await until('both steps were told', () => {
      const sent = follower.updates().filter(({ status }) => status === 'SUCCEEDED')
      return new Set(sent.map(({ id }) => id)).size === 2
    })
    await follower.end()
  })

  test('a workflow run that is cancelled', async () => {
    const recipient = someone()
    const follower = await follow({ recipientId: recipient.id })
    await trigger(carillon, { notificationKey: 'chase', payload: {}, recipients: [recipient] })
    const { workflowRuns } = await carillon.ok(
      carillon.operatorKey,
      'query ($filter: WorkflowRunFilter) { workflowRuns(filter: $filter) { edges { node { id } } } }',
      { filter: { recipientId: recipient.id } },
    )
    await carillon.ok(
      carillon.operatorKey,
      'mutation ($input: CancelWorkflowRunInput!) { cancelWorkflowRun(input: $input) { __typename } }',
      { input: { workflowRunId: workflowRuns.edges[0].node.id, reason: 'enough' } },
    )
    await follower.told('email cancelled_by_operator')
    await follower.end()
  })

  test('a recipient that is erased', async () => {
    const recipient = someone()
    const follower = await follow({ recipientId: recipient.id })
    await bill(recipient)
    await carillon.ok(
      carillon.backendKey,
      'mutation ($input: EraseRecipientInput!) { eraseRecipient(input: $input) { erasedNotificationCount } }',
      { input: { recipientId: recipient.id } },
    )
    await follower.told('email recipient_erased')
    await follower.end()
  })

  test('a digest and its members', async () => {
    const { id: recipientId } = someone()
    const follower = await follow({ recipientId, channel: 'email' })
    await comments(carillon, ['one', 'two'], { recipientId })
    await until('both are held', () => follower.updates().length === 2)
    expect(follower.updates().map(({ orchestrationState }) => orchestrationState)).toEqual([
      'DIGEST_HELD',
      'DIGEST_HELD',
    ])
    const [bucket] = await buckets(carillon, { recipientId })
    await flush(carillon, bucket.id)
    await carillon.drainJobs()
    await follower.told('email DIGESTED', 'email SUCCEEDED')
    await follower.end()
  })
})

test('another tenant’s operator sees nothing of it', async () => {
  const recipient = someone()
  const [follower, stranger] = [await follow(null), await follow(null, foreign.operatorKey)]
  const named = await follow({ recipientId: recipient.id }, foreign.operatorKey)
  await bill(recipient)
  await follower.told('email PENDING')
  const input = {
    notificationKey: 'greeting',
    idempotencyKey: 'theirs',
    payload: { text: 'hi' },
    recipients: [recipient],
  }
  await carillon.ok(
    foreign.backendKey,
    'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated } }',
    {
      input,
    },
  )
  // Their own comes behind ours, which it would have overtaken.
  await stranger.told('in_app SUCCEEDED')
  await named.told('in_app SUCCEEDED')
  expect([stranger.stands(), named.stands()]).toEqual([['in_app SUCCEEDED'], ['in_app SUCCEEDED']])
  for (const one of [follower, stranger, named]) await one.end()
})

test('what fits a filter is what fits it in a list', async () => {
  const [ada, bob] = [someone(), someone()]
  const start = clock.now().toISOString()
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'Bob' },
    correlationId: 'mark',
    recipients: [ada, { id: bob.id }],
  })
  const { id: notificationId } = (
    await carillon.ok(
      carillon.operatorKey,
      'query ($id: ID!) { event(id: $id) { notifications { edges { node { id } } } } }',
      { id: event.id },
    )
  ).event.notifications.edges[0].node
  clock.set(new Date(clock.now().getTime() + 60_000).toISOString())
  const later = clock.now().toISOString()
  await setPolicy(carillon, bob.id, { quietHours: [NIGHT, { start: '08:00', end: '21:00' }] })
  await bill(bob)
  const filters = [
    { recipientId: ada.id },
    { eventId: event.id },
    { eventId: notificationId },
    { notificationId },
    { orchestrationState: ['DEFERRED'] },
    { notificationKey: 'invoice.sent' },
    { channel: 'email' },
    { status: ['SUCCEEDED', 'SUPPRESSED'] },
    { status: [] },
    { suppressionReason: 'missing_address' },
    { correlationId: 'mark' },
    { correlationId: 'other' },
    { insertedAfter: later },
    { insertedBefore: later, insertedAfter: start },
    { channel: 'email', status: ['PENDING'], recipientId: ada.id },
    {},
  ]
  const keys = [...(await keysOf(ada.id)), ...(await keysOf(bob.id))]
  const ids = keys.map(({ id }) => encodeNodeId('Delivery', id))
  expect(ids).toHaveLength(5)

  const before = carillon.app.tail.followerCount
  const socket = await openRawSocket(carillon.wsUrl, { token: carillon.operatorKey })
  const told = (id: string): readonly string[] =>
    socket.answers(id).flatMap(({ payload }) => payload?.data?.deliveryUpdates.id ?? [])
  for (const [index, filter] of filters.entries())
    socket.subscribe(
      String(index),
      'subscription ($filter: DeliveryFilter) { deliveryUpdates(filter: $filter) { id } }',
      {
        filter,
      },
    )
  await until('all are followed', () => carillon.app.tail.followerCount === before + filters.length)
  carillon.app.tail.heard(keys)
  await until('all five are told to whom it is all the same', () => told(String(filters.length - 1)).length === 5)
  const list = 'query ($filter: DeliveryFilter) { deliveries(filter: $filter, first: 100) { edges { node { id } } } }'
  for (const [index, filter] of filters.entries()) {
    const { deliveries } = await carillon.ok(carillon.operatorKey, list, { filter })
    const listed: string[] = deliveries.edges
      .map(({ node }: Update) => node.id)
      .filter((id: string) => ids.includes(id))
    expect([filter, told(String(index)).toSorted()]).toEqual([filter, listed.toSorted()])
  }
  await socket.end()
})

const EVERYTHING: TailFilter = {
  awaitsOperator: null,
  recipientId: null,
  eventId: null,
  notificationId: null,
  notificationKey: null,
  channel: null,
  status: null,
  orchestrationState: null,
  suppressionReason: null,
  correlationId: null,
  insertedAfter: null,
  insertedBefore: null,
}

/** A tail of its own, whose reads are counted. */
const openTail = () => {
  const bus = memoryBus()
  const said: number[] = []
  const reads: QueryConfig[] = []
  const errors: Error[] = []
  const query = (statement: QueryConfig) => {
    reads.push(statement)
    return carillon.app.db.system.query(statement)
  }
  const tail: DeliveryTail = openDeliveryTail({
    db: { system: { query } as unknown as Pool },
    bus,
    onError: (error) => errors.push(error),
  })
  bus.listen({
    inboxesMoved: () => {},
    workDue: () => {},
    deliveriesChanged(changed) {
      said.push(changed.length)
      tail.heard(changed)
    },
    deliveriesTailed: tail.tailed,
  })
  return { tail, said, reads, errors }
}
const keysOf = async (recipientId: string) => {
  const { rows } = await carillon.sql.query<{ tenantId: string; id: string }>(
    `select tenant_id as "tenantId", id from delivery where recipient_id = $1 order by position`,
    [recipientId],
  )
  return rows
}
const next = async (stream: AsyncIterator<TailedRow, undefined>): Promise<TailedRow> => {
  const { value } = await stream.next()
  if (!value) throw new Error('the stream has ended')
  return value
}

test('while nobody follows, a change is told to nobody and read by nobody', async () => {
  const { tail, said, reads } = openTail()
  tail.changed([{ tenantId: 'acme', id: '00000000-0000-0000-0000-000000000000' }])
  expect([said, reads]).toEqual([[], []])
  const stream = tail.follow(carillon.tenantId, EVERYTHING)
  tail.changed([{ tenantId: 'acme', id: '00000000-0000-0000-0000-000000000000' }])
  expect(said).toEqual([1])
  await stream.return?.()
  expect(tail.followerCount).toBe(0)
  tail.close()
})

test('what is told of a delivery is all of it', async () => {
  const recipient = someone()
  await trigger(carillon, { recipients: [recipient] })
  const { tail } = openTail()
  const stream = tail.follow(carillon.tenantId, EVERYTHING)
  const waiting = next(stream)
  tail.heard(await keysOf(recipient.id))
  const told = await waiting
  expect(Object.keys(Prisma.DeliveryScalarFieldEnum).filter((field) => !(field in told))).toEqual([])
  tail.close()
})

test('one that is slow keeps the newest thousand, is read for when it asks, and sees each as it is then', async () => {
  const recipient = someone()
  await trigger(carillon, { recipients: [recipient] })
  await trigger(carillon, { recipients: [recipient] })
  const [oldest, newest] = await keysOf(recipient.id)
  if (!oldest || !newest) throw new Error('there are two')
  const { tail, reads } = openTail()
  const stream = tail.follow(carillon.tenantId, EVERYTHING)
  tail.changed([oldest])
  for (let n = 0; n < 1_000; n += 1)
    tail.changed([{ tenantId: oldest.tenantId, id: `00000000-0000-0000-0000-${String(n).padStart(12, '0')}` }])
  for (let n = 0; n < 100; n += 1) tail.changed([newest])
  expect(reads).toEqual([])
  expect((await next(stream)).id).toBe(newest.id)
  expect(reads.length).toBeLessThanOrEqual(10)
  await stream.return?.()
  tail.close()
})

test('two hints about one change are told once, and several followers are read for at once', async () => {
  const recipient = someone()
  await trigger(carillon, { recipients: [recipient] })
  await trigger(carillon, { recipients: [recipient] })
  const [first, second] = await keysOf(recipient.id)
  if (!first || !second) throw new Error('there are two')
  const { tail, reads } = openTail()
  const streams = Array.from({ length: 5 }, () => tail.follow(carillon.tenantId, EVERYTHING))
  const waiting = streams.map(next)
  tail.heard([first])
  for (const row of await Promise.all(waiting)) expect(row.id).toBe(first.id)
  expect(reads.length).toBeLessThanOrEqual(2)
  const following = streams.map(next)
  tail.heard([first])
  tail.heard([second])
  for (const row of await Promise.all(following)) expect(row.id).toBe(second.id)
  tail.close()
})

test('a read that fails is lost, and what changes next is told', async () => {
  const recipient = someone()
  await trigger(carillon, { recipients: [recipient] })
  const [only] = await keysOf(recipient.id)
  if (!only) throw new Error('there is one')
  const { tail, errors } = openTail()
  const stream = tail.follow(carillon.tenantId, EVERYTHING)
  const waiting = next(stream)
  tail.heard([{ tenantId: carillon.tenantId, id: 'no uuid' }])
  await until('the read has failed', () => errors.length === 1)
  tail.heard([only])
  expect((await waiting).id).toBe(only.id)
  tail.close()
})

test('leaving frees at once, and closing ends every stream', async () => {
  const { tail } = openTail()
  const [leaving, staying] = [tail.follow('acme', EVERYTHING), tail.follow('acme', EVERYTHING)]
  const waits = [leaving.next(), staying.next()]
  await leaving.return?.()
  expect(tail.followerCount).toBe(1)
  tail.close()
  for (const { done } of await Promise.all(waits)) expect(done).toBe(true)
  expect(tail.followerCount).toBe(0)
  expect((await tail.follow('acme', EVERYTHING).next()).done).toBe(true)
})
