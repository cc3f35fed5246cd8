import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { encodeNodeId } from '../../../server/core/node-id.ts'
import { defineConfig, defineNotifier } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { inboxOf } from '../../support/inbox.ts'
import { report, takesEvents } from '../../support/reports.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { refusalOf, trigger } from '../../support/trigger.ts'
import { until } from '../../support/until.ts'
import { movesOf, runOf, runsOf, signal, standOf, trySignal } from '../../support/workflows.ts'

const HOUR = 3_600_000

/** By pager, then until somebody says so, or the provider does, the siren. */
const alert = defineNotifier({
  key: 'alert',
  version: 1,
  payload: z.object({}),
  channels: ['pager', 'siren'],
  render: { pager: () => ({}), siren: () => ({}) },
  workflow: {
    key: 'alert',
    version: 1,
    steps: [
      {
        key: 'page',
        channel: 'pager',
        next: [
          {
            wait: '1h',
            signals: ['acknowledged', 'delivery.bounced', 'delivery.failed'],
            onSignal: 'ring',
            onTimeout: 'stop',
          },
        ],
      },
      { key: 'ring', channel: 'siren', next: [{ wait: '1h', signals: ['acknowledged'], onTimeout: 'stop' }] },
    ],
  },
})

/** To the inbox; archiving it is enough. */
const notice = defineNotifier({
  key: 'notice',
  version: 1,
  payload: z.object({}),
  channels: ['in_app', 'siren'],
  render: { in_app: () => ({ title: 'Notice' }), siren: () => ({}) },
  workflow: {
    key: 'notice',
    version: 1,
    steps: [
      {
        key: 'show',
        channel: 'in_app',
        next: [{ wait: '1h', signals: ['notification.archived', 'notification.seen'], onTimeout: 'ring' }],
      },
      { key: 'ring', channel: 'siren' },
    ],
  },
})

const clock = new TestClock()
const pager = scripted('pager', takesEvents)
const siren = scripted('siren')
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(defineConfig({ notifiers: [alert, notice], adapters: { pager, siren } }), { clock })
})
afterAll(() => carillon.close())

let id = ''
beforeEach(() => {
  id = `person-${Math.random().toString(36).slice(2)}`
})
const begin = (notificationKey: string, recipientId = id) =>
  trigger(carillon, { notificationKey, payload: {}, recipients: [{ id: recipientId }] })
const run = () => runOf(carillon, { recipientId: id })

test('a signal is kept, answers what was recorded, and moves on whoever waits for it', async () => {
  await begin('alert')
  await carillon.drainJobs()
  const answer = await signal(carillon, { name: 'acknowledged', recipientId: id, payload: { by: 'ada' } })
  expect(answer).toEqual({
    deduplicated: false,
    signal: { id: expect.any(String), name: 'acknowledged', recipientId: id, insertedAt: clock.now().toISOString() },
  })
  const moved = await run()
  expect(movesOf(moved).slice(-3)).toEqual(['signal_received', 'progressed_on_delivery_outcome', 'step_activated'])
  const received = moved.transitions.find(({ reason }: { reason: string }) => reason === 'signal_received')
  // Which one it was, and never what was in it.
  expect(received.context).toEqual({
    signal: 'acknowledged',
    signalId: answer.signal.id,
    receivedAt: clock.now().toISOString(),
  })
  const node = 'query ($id: ID!) { node(id: $id) { ... on Signal { name } } }'
  expect((await carillon.ok(carillon.backendKey, node, { id: answer.signal.id })).node).toEqual({
    name: 'acknowledged',
  })
})

test('a signal that comes before the wait counts when the wait begins, and one signal ends one wait', async () => {
  await begin('alert')
  await signal(carillon, { name: 'acknowledged', recipientId: id })
  expect(standOf(await run())).toBe('ACTIVE page workflow_started')
  await carillon.drainJobs()
  expect(standOf(await run())).toBe('WAITING ring waiting_for_step_progression')
})

test('a signal from before the run began does not count', async () => {
  await signal(carillon, { name: 'acknowledged', recipientId: id })
  await begin('alert')
  await carillon.drainJobs()
  expect(standOf(await run())).toBe('WAITING page waiting_for_step_progression')
})

test('a signal that waited for its recipient moves the run at the instant at which it came to it', async () => {
  await begin('alert')
  await carillon.drainJobs()
  const holder = await carillon.sql.connect()
  await holder.query('begin')
  await holder.query('select 1 from inbox where recipient_id = $1 for update', [id])
  const signalled = signal(carillon, { name: 'acknowledged', recipientId: id })
  await until('it waits', async () => {
    const { rowCount } = await carillon.sql.query(
      'select 1 from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0',
    )
    return rowCount === 1
  })
  clock.advance(60_000)
  await holder.query('commit')
  holder.release()
  await signalled
  const { transitions } = await run()
  const received = transitions.find(({ reason }: { reason: string }) => reason === 'signal_received')
  expect(received.insertedAt).toBe(clock.now().toISOString())
})

test('a signal concerns every run of its recipient, or that of one notification, and nobody else', async () => {
  const other = `${id}-other`
  await begin('alert')
  await begin('alert')
  await begin('alert', other)
  await carillon.drainJobs()
  const [first] = await runsOf(carillon, { recipientId: id })
  const one = { name: 'acknowledged', recipientId: id, notificationId: first.notification.id }
  await signal(carillon, one)
  const steps = async (recipientId: string) =>
    (await runsOf(carillon, { recipientId })).map(({ currentStepKey }) => currentStepKey)
  expect([await steps(id), await steps(other)]).toEqual([['ring', 'page'], ['page']])
  await carillon.drainJobs()
  await signal(carillon, { name: 'acknowledged', recipientId: id })
  expect([await steps(id), await steps(other)]).toEqual([['ring', 'ring'], ['page']])
  expect(refusalOf(await trySignal(carillon, { ...one, recipientId: other }))).toEqual({
    code: 'NOT_FOUND',
    path: 'input.notificationId',
  })
  expect(refusalOf(await trySignal(carillon, { ...one, notificationId: 'nothing' })).code).toBe('NOT_FOUND')
})

test("another tenant's signal reaches nobody", async () => {
  await begin('alert')
  await carillon.drainJobs()
  const { backendKey } = await carillon.addTenant('neighbour')
  const mutation = 'mutation ($input: SignalInput!) { signal(input: $input) { deduplicated } }'
  await carillon.ok(backendKey, mutation, { input: { name: 'acknowledged', recipientId: id } })
  const [{ notification }] = await runsOf(carillon, { recipientId: id })
  const input = { name: 'acknowledged', recipientId: id, notificationId: notification.id }
  expect(refusalOf(await carillon.ask(backendKey, mutation, { input })).code).toBe('NOT_FOUND')
  expect(standOf(await run())).toBe('WAITING page waiting_for_step_progression')
})

test('the same key with the same signal answers the first, and with another is a conflict, whoever asks at once', async () => {
  const input = { name: 'acknowledged', recipientId: id, payload: { n: 1 }, idempotencyKey: `key-${id}` }
  const all = await Promise.all(Array.from({ length: 10 }, () => signal(carillon, input)))
  expect(new Set(all.map(({ signal: { id } }) => id)).size).toBe(1)
  expect(all.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1)
  for (const other of [{ payload: { n: 2 } }, { name: 'paid' }, { recipientId: 'else' }]) {
    expect(refusalOf(await trySignal(carillon, { ...input, ...other }))).toEqual({
      code: 'IDEMPOTENCY_CONFLICT',
      path: 'input.idempotencyKey',
    })
  }
})

test.each([
  ['a name of the service itself', { name: 'notification.read' }, 'input.name'],
  ['any name like one', { name: 'delivery.whatever' }, 'input.name'],
  ['a blank name', { name: ' ' }, 'input.name'],
  ['a blank recipient', { recipientId: '' }, 'input.recipientId'],
  ['a blank key', { idempotencyKey: '' }, 'input.idempotencyKey'],
  ['a payload too deep', { payload: JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) }, 'input.payload'],
])('%s is refused', async (_, input, path) => {
  const { code, path: where } = refusalOf(await trySignal(carillon, { name: 'paid', recipientId: 'ada', ...input }))
  expect([code, String(where).startsWith(path)]).toEqual(['BAD_USER_INPUT', true])
})

test('what a provider reports is heard by the run of its delivery, once', async () => {
  const { event } = await begin('alert')
  await carillon.drainJobs()
  const [{ transitions }] = await runsOf(carillon, { recipientId: id })
  const deliveryId = transitions.find(({ delivery }: { delivery: unknown }) => delivery).delivery.id
  expect(event.id).toBeTruthy()
  const bounce = (providerEventId: string) =>
    report(carillon, 'pager', [{ status: 'bounced', deliveryId, providerEventId }])
  await bounce(`1-${id}`)
  await bounce(`2-${id}`)
  await carillon.drainJobs()
  const moved = await run()
  expect(standOf(moved)).toBe('WAITING ring waiting_for_step_progression')
  expect(movesOf(moved).filter((reason) => reason === 'signal_received')).toHaveLength(1)
})

test('what a delivery ended as is heard too, by whoever waits for that', async () => {
  await begin('alert')
  pager.next({ outcome: 'permanent' })
  await carillon.drainJobs()
  expect(
    (await run()).transitions.find(({ reason }: { reason: string }) => reason === 'signal_received').context.signal,
  ).toBe('delivery.failed')
})

test('what a recipient does first with its item ends a wait, and doing it again does not', async () => {
  await begin('notice')
  const inbox = await inboxOf(carillon, id)
  await inbox.mark('archive', { filter: {} })
  expect(standOf(await run())).toBe('STOPPED show workflow_stopped')
  await begin('notice')
  await inbox.mark('markRead', { filter: {} })
  // Reading is having seen.
  expect((await runsOf(carillon, { recipientId: id })).map(standOf)).toEqual([
    'STOPPED show workflow_stopped',
    'STOPPED show workflow_stopped',
  ])
  clock.advance(HOUR)
  await carillon.drainJobs()
  expect(siren.calls.filter(({ recipient }) => recipient.id === id)).toEqual([])
})

test('an id of a run that was never issued is answered with null', async () => {
  const query = 'query ($id: ID!) { workflowRun(id: $id) { id } }'
  const never = encodeNodeId('WorkflowRun', '00000000-0000-7000-8000-000000000000')
  for (const one of ['nothing', never]) {
    expect((await carillon.ok(carillon.operatorKey, query, { id: one })).workflowRun).toBeNull()
  }
})
