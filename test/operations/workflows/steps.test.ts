import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineConfig, defineNotifier, secret } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveriesOf, deliveryOf, standsOf } from '../../support/deliveries.ts'
import { inboxOf } from '../../support/inbox.ts'
import { operate } from '../../support/operator.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'
import { movesOf, runOf, runsOf, signal, standOf } from '../../support/workflows.ts'

const HOUR = 3_600_000
const payload = z.object({ channels: z.array(z.string()).optional(), code: secret(z.string()).optional() })
const render = {
  in_app: () => ({ title: 'Plain' }),
  email: () => ({ subject: 'Plain', html: '', text: 'Plain' }),
  pager: () => ({ text: 'plain' }),
}
const base = { version: 1, payload, render } as const
const asked: unknown[] = []

/** Two items in an inbox one after the other, then an e-mail, then the pager twice. */
const chain = defineNotifier({
  ...base,
  key: 'chain',
  channels: ({ payload: { channels } }) =>
    (channels ?? ['in_app', 'email', 'pager']) as ('in_app' | 'email' | 'pager')[],
  workflow: {
    key: 'chain',
    version: 1,
    steps: [
      { key: 'one', channel: 'in_app', next: [{ on: ['delivered', 'suppressed'], to: 'two' }] },
      {
        key: 'two',
        channel: 'in_app',
        render: () => ({ title: 'Of the second step' }),
        next: [{ on: ['delivered', 'suppressed'], to: 'mail' }],
      },
      { key: 'mail', channel: 'email', next: [{ on: ['delivered', 'suppressed'], to: 'page' }] },
      { key: 'page', channel: 'pager', next: [{ wait: '1h', onTimeout: 'page_again' }] },
      { key: 'page_again', channel: 'pager', render: () => ({ text: 'again' }) },
    ],
  },
})

/** A step, a wait, another step; and a channel that no step names. */
const waits = defineNotifier({
  ...base,
  key: 'waits',
  channels: ['in_app', 'email', 'pager'],
  workflow: {
    key: 'waits',
    version: 1,
    steps: [
      {
        key: 'first',
        channel: 'pager',
        render: ({ payload: { code } }) => ({ text: `code ${code}` }),
        next: [
          {
            when: 'secret',
            test: ({ payload }) => {
              asked.push(payload)
              return payload.code !== undefined
            },
            to: 'stop',
          },
          { wait: '1h', onTimeout: 'second' },
        ],
      },
      { key: 'second', channel: 'email' },
    ],
  },
})

const clock = new TestClock()
const mail = scripted('mail')
const pager = scripted('pager')
const adapters = { email: mail, pager }
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(defineConfig({ notifiers: [chain, waits], adapters }), { clock })
})
afterAll(() => carillon.close())
beforeEach(() => {
  asked.length = 0
})

let people = 0
const begin = async (notificationKey: string, input: Record<string, unknown> = {}) => {
  people += 1
  const id = `person-${people}`
  const recipients = [{ id, email: `${id}@example.test` }]
  const { event } = await trigger(carillon, { notificationKey, payload: {}, recipients, ...input })
  return { id, eventId: event.id as string, run: () => runOf(carillon, { recipientId: id }) }
}
const texts = (id: string) =>
  pager.calls.filter((call) => call.recipient.id === id).map(({ content }) => (content as { text: string }).text)

test('in-app steps that follow each other arrive in the trigger itself, as one item, and the next is planned there', async () => {
  const { id, eventId, run } = await begin('chain')
  expect(await standsOf(carillon, { eventId })).toEqual(['in_app SUCCEEDED', 'in_app SUCCEEDED', 'email PENDING'])
  const inbox = await inboxOf(carillon, id)
  expect((await inbox.items()).map(({ title }) => title)).toEqual(['Of the second step'])
  expect((await inbox.stand()).counts).toEqual({ total: 1, unread: 1, unseen: 1 })
  expect(await run()).toMatchObject({ state: 'ACTIVE', currentStepKey: 'mail' })
})

test('a channel is used by as many steps as name it, each with its own content', async () => {
  const { id, eventId } = await begin('chain')
  await carillon.drainJobs()
  clock.advance(HOUR)
  await carillon.drainJobs()
  expect(texts(id)).toEqual(['plain', 'again'])
  expect((await standsOf(carillon, { eventId })).filter((stand) => stand.startsWith('pager'))).toEqual([
    'pager SUCCEEDED',
    'pager SUCCEEDED',
  ])
})

test('a step whose channel was not chosen is suppressed, and its rules decide what follows', async () => {
  const { eventId } = await begin('chain', { payload: { channels: ['pager'] } })
  expect(await standsOf(carillon, { eventId })).toEqual([
    'in_app channel_not_selected',
    'in_app channel_not_selected',
    'email channel_not_selected',
    'pager PENDING',
  ])
  const { explanation } = await deliveryOf(carillon, { eventId, channel: 'email' })
  expect(explanation.summary).toContain(
    "Not sent: the notifier's code did not choose this step's channel for the recipient",
  )
  await carillon.drainJobs()
})

test('a channel that no step names is sent at the trigger, and one of a later step is not', async () => {
  const { eventId } = await begin('waits')
  expect(await standsOf(carillon, { eventId })).toEqual(['pager PENDING', 'in_app SUCCEEDED'])
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId })).toEqual(['pager SUCCEEDED', 'in_app SUCCEEDED'])
})

test('the rules of planning hold for every step: one that is switched off meanwhile is suppressed', async () => {
  const { id, eventId, run } = await begin('waits')
  await carillon.drainJobs()
  const off = `mutation { setPreferences(input: { recipientId: "${id}", preferences: [{ channel: "email", enabled: false }] }) { __typename } }`
  await carillon.ok(carillon.operatorKey, off)
  clock.advance(HOUR)
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId, channel: 'email' })).toEqual(['email channel_disabled'])
  expect(standOf(await run())).toBe('COMPLETED second workflow_completed')
})

test('one that is switched off between planning and sending moves its run on like any other end', async () => {
  const { id, eventId, run } = await begin('chain', { payload: { channels: ['email'] } })
  const off = `mutation { setPreferences(input: { recipientId: "${id}", preferences: [{ channel: "email", enabled: false }] }) { __typename } }`
  await carillon.ok(carillon.operatorKey, off)
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId, channel: 'email' })).toEqual(['email channel_disabled'])
  expect(standOf(await run())).toBe('WAITING page waiting_for_step_progression')
})

test('questions are asked once, at the trigger, and see no secrets', async () => {
  const { id, run } = await begin('waits', { payload: { code: 'tulip' } })
  expect(asked).toEqual([{}])
  await carillon.drainJobs()
  // What is sent by a step has them.
  expect(texts(id)).toEqual(['code tulip'])
  clock.advance(HOUR)
  await carillon.drainJobs()
  expect([asked.length, standOf(await run())]).toEqual([1, 'COMPLETED second workflow_completed'])
})

test('secrets are kept until the run is over, and erased then', async () => {
  const { eventId } = await begin('waits', { payload: { code: 'tulip' } })
  const sealed = async () => {
    const { rows } = await carillon.sql.query(`select sealed_payload is not null as sealed from event where id = $1`, [
      Buffer.from(eventId, 'base64url').toString().slice('Event:'.length),
    ])
    return rows[0].sealed
  }
  await carillon.drainJobs()
  expect([(await standsOf(carillon, { eventId }))[0], await sealed()]).toEqual(['pager SUCCEEDED', true])
  clock.advance(HOUR)
  await carillon.drainJobs()
  expect(await sealed()).toBe(false)
})

test('an event that expires takes its waiting run with it', async () => {
  const expiresAt = new Date(clock.now().getTime() + HOUR / 2).toISOString()
  const { eventId, run } = await begin('waits', { expiresAt })
  await carillon.drainJobs()
  clock.advance(HOUR / 2)
  await carillon.drainJobs()
  expect(standOf(await run())).toBe('CANCELLED first expired')
  clock.advance(HOUR)
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId, channel: 'email' })).toEqual([])
})

test('cancelling the event cancels its run, waiting or not, with the words that were given', async () => {
  const cancel = 'mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { cancelledCount } }'
  for (const drained of [false, true]) {
    const { eventId, run } = await begin('waits')
    if (drained) await carillon.drainJobs()
    await carillon.ok(carillon.backendKey, cancel, { input: { eventId, reason: 'no more' } })
    const cancelled = await run()
    expect(standOf(cancelled)).toBe('CANCELLED first event_cancelled')
    expect(cancelled.transitions.at(-1).context).toMatchObject({ words: 'no more' })
  }
  clock.advance(2 * HOUR)
  expect(await carillon.drainJobs()).toBe(0)
})

test("cancelling a step's delivery cancels its run", async () => {
  const { eventId, run } = await begin('waits')
  const { id } = await deliveryOf(carillon, { eventId, channel: 'pager' })
  await operate(carillon, 'cancel', id, 'wrong number')
  const cancelled = await run()
  expect(standOf(cancelled)).toBe('CANCELLED first cancelled_by_operator')
  expect(cancelled.transitions.at(-1)).toMatchObject({
    context: { source: 'operator', words: 'wrong number' },
    delivery: { id },
  })
  // Tried again it is sent; what is over stays over.
  await operate(carillon, 'retry', id)
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId, channel: 'pager' })).toEqual(['pager SUCCEEDED'])
  expect((await run()).state).toBe('CANCELLED')
})

test('cancelling a run cancels what of it has not been handed over, once', async () => {
  const { eventId, run } = await begin('waits')
  const cancel =
    'mutation ($input: CancelWorkflowRunInput!) { cancelWorkflowRun(input: $input) { workflowRun { id state statusReason } } }'
  const input = { workflowRunId: (await run()).id, reason: 'enough' }
  const { cancelWorkflowRun } = await carillon.ok(carillon.operatorKey, cancel, { input })
  expect(cancelWorkflowRun.workflowRun).toMatchObject({ state: 'CANCELLED', statusReason: 'cancelled_by_operator' })
  expect(await standsOf(carillon, { eventId })).toEqual(['pager cancelled_by_operator', 'in_app SUCCEEDED'])
  const { errors } = await carillon.ask(carillon.operatorKey, cancel, { input })
  expect(errors[0]?.extensions['code']).toBe('INVALID_STATE')
  const unknown = { input: { workflowRunId: 'nothing', reason: 'x' } }
  expect((await carillon.ask(carillon.operatorKey, cancel, unknown)).errors[0]?.extensions['code']).toBe('NOT_FOUND')
})

test('erasing a recipient ends what runs for it, and takes away what was said', async () => {
  const { id } = await begin('waits')
  await begin('waits', { recipients: [{ id }] })
  const [first] = await runsOf(carillon, { recipientId: id })
  const cancel =
    'mutation ($input: CancelWorkflowRunInput!) { cancelWorkflowRun(input: $input) { workflowRun { id } } }'
  await carillon.ok(carillon.operatorKey, cancel, { input: { workflowRunId: first.id, reason: 'canary' } })
  await signal(carillon, { name: 'moved', recipientId: id, payload: { to: 'canary' } })
  const whole = 'query ($id: ID!) { exportRecipient(recipientId: $id) }'
  const { exportRecipient } = await carillon.ok(carillon.operatorKey, whole, { id })
  expect(exportRecipient.signals).toMatchObject([{ name: 'moved', payload: { to: 'canary' } }])
  expect(
    exportRecipient.notifications.map(({ workflowRun }: Record<string, { state: string }>) => workflowRun?.state),
  ).toEqual(['cancelled', 'active'])
  const erase = 'mutation ($id: ID!) { eraseRecipient(input: { recipientId: $id }) { erasedNotificationCount } }'
  await carillon.ok(carillon.backendKey, erase, { id })
  const runs = await runsOf(carillon, { recipientId: id })
  expect(runs.map(standOf)).toEqual(['CANCELLED first cancelled_by_operator', 'CANCELLED first recipient_erased'])
  const { rows } = await carillon.sql.query(
    `select (select count(*)::int from signal where recipient_id = $1) as signals,
      (select count(*)::int from workflow_transition where context::text like '%canary%') as words`,
    [id],
  )
  expect(rows).toEqual([{ signals: 0, words: 0 }])
  clock.advance(2 * HOUR)
  await carillon.drainJobs()
})

test('a run whose code has gone carries on as far as it can, and stops where nobody can make the next step', async () => {
  const { id, run } = await begin('waits')
  await carillon.drainJobs()
  const without = { databaseUrl: carillon.databaseUrl, clock }
  const later = await startCarillon(defineConfig({ notifiers: [chain], adapters }), without)
  clock.advance(HOUR)
  await later.drainJobs()
  await later.close()
  const stopped = await run()
  expect(standOf(stopped)).toBe('STOPPED second render_missing')
  expect(stopped.transitions.at(-1).context).toEqual({ stepKey: 'second', channel: 'email' })
  expect(mail.calls.filter((call) => call.recipient.id === id)).toEqual([])
})

test('a run follows the definition that it began with, whatever the code says now', async () => {
  const { id, run } = await begin('waits')
  await carillon.drainJobs()
  const changed = defineNotifier({
    ...base,
    key: 'waits',
    version: 2,
    channels: ['email', 'pager'],
    workflow: { key: 'waits', version: 2, steps: [{ key: 'other', channel: 'pager' }] },
  })
  const later = await startCarillon(defineConfig({ notifiers: [changed], adapters }), {
    databaseUrl: carillon.databaseUrl,
    clock,
  })
  clock.advance(HOUR)
  await later.drainJobs()
  await later.close()
  expect(standOf(await run())).toBe('COMPLETED second workflow_completed')
  expect(mail.calls.filter((call) => call.recipient.id === id)).toHaveLength(1)
})

test('a simulation shows what the first steps would do, and none that comes later, as the trigger then decides', async () => {
  for (const [notificationKey, expected] of [
    ['waits', ['first PASS', 'null PASS']],
    ['chain', ['one PASS', 'two PASS', 'mail SUPPRESS', 'page PASS']],
  ] as const) {
    const id = `simulated-${notificationKey}`
    const request = { notificationKey, payload: {}, recipients: [{ id }] }
    const query = `query ($input: SimulateTriggerInput!) { simulateTrigger(input: $input) {
      recipients { deliveries { stepKey channel verdict reason decisions { rule verdict reason facts } } } } }`
    const { simulateTrigger } = await carillon.ok(carillon.backendKey, query, { input: request })
    const simulated = simulateTrigger.recipients[0].deliveries
    expect(simulated.map(({ stepKey, verdict }: Record<string, string>) => `${stepKey} ${verdict}`)).toEqual(expected)
    const { event } = await trigger(carillon, request)
    const stored = (await deliveriesOf(carillon, { eventId: event.id })).map(({ channel, explanation }) => [
      channel,
      explanation.decisions.map(({ rule, verdict, reason, facts }: Record<string, unknown>) => ({
        rule,
        verdict,
        reason,
        facts,
      })),
    ])
    expect(simulated.map(({ channel, decisions }: Record<string, unknown>) => [channel, decisions])).toEqual(stored)
  }
})

test('everyone of a large audience has a run', async () => {
  const recipients = Array.from({ length: 3 }, (_, index) => ({ id: `crowd-${index}` }))
  const sendAt = new Date(clock.now().getTime() + 1_000).toISOString()
  const { event } = await trigger(carillon, { notificationKey: 'chain', payload: {}, recipients, sendAt })
  clock.advance(1_000)
  await carillon.drainJobs()
  expect(movesOf(await runOf(carillon, { recipientId: 'crowd-1' })).slice(0, 2)).toEqual([
    'workflow_started',
    'step_activated',
  ])
  const { rows } = await carillon.sql.query('select count(*)::int as count from workflow_run where event_id = $1', [
    Buffer.from(event.id, 'base64url').toString().slice('Event:'.length),
  ])
  expect(rows[0].count).toBe(3)
})
