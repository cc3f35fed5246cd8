import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveryOf, storyOf } from '../../support/deliveries.ts'
import { alarm, invoice, page } from '../../support/notifiers.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'

const mail = scripted('mail')
const pager = scripted('pager')
const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [invoice, alarm, page], adapters: { email: mail, pager } }, { clock })
})
afterAll(() => carillon.close())

const switchOff = (recipientId: string, preference: object) =>
  carillon.ok(
    carillon.backendKey,
    'mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { preferences { recipientId } } }',
    { input: { recipientId, preferences: [{ ...preference, enabled: false }] } },
  )

const INVOICE = { notificationKey: 'invoice.sent', payload: { number: 7 } }

test('what is switched off after the trigger and before the sending is not sent, and says at which checkpoint', async () => {
  const recipients = [{ id: 'off', email: 'off@example.test' }]
  const { event } = await trigger(carillon, { ...INVOICE, recipients })
  expect(await deliveryOf(carillon, { eventId: event.id })).toMatchObject({ status: 'PENDING', waitingFor: 'due' })
  clock.advance(1_000)
  await switchOff('off', { category: 'billing', channel: 'email' })
  expect(await carillon.drainJobs()).toBe(1)

  const delivery = await deliveryOf(carillon, { eventId: event.id })
  expect(delivery).toMatchObject({
    status: 'SUPPRESSED',
    suppressionReason: 'category_disabled',
    waitingFor: null,
    attempts: [],
  })
  expect(storyOf(delivery)).toEqual(['event_created', 'notification_created', 'delivery_planned', 'suppressed'])
  expect(delivery.explanation.timeline.at(-1).detail).toMatchObject({
    reason: 'category_disabled',
    checkpoint: 'perform',
  })
  const said = delivery.explanation.decisions.map(({ checkpoint, rule, verdict }: Record<string, string>) => [
    checkpoint,
    rule,
    verdict,
  ])
  expect(said).toEqual([
    ['PLANNING', 'expiry', 'PASS'],
    ['PLANNING', 'notification_preference', 'PASS'],
    ['PLANNING', 'category_preference', 'PASS'],
    ['PLANNING', 'address', 'PASS'],
    ['PLANNING', 'digest', 'PASS'],
    ['PLANNING', 'delivery_cap', 'PASS'],
    ['PLANNING', 'quiet_hours', 'PASS'],
    ['PLANNING', 'fallback', 'PASS'],
    ['PERFORM', 'expiry', 'PASS'],
    ['PERFORM', 'notification_preference', 'PASS'],
    ['PERFORM', 'category_preference', 'SUPPRESS'],
    ['PERFORM', 'address', 'PASS'],
    ['PERFORM', 'read_state', 'PASS'],
    ['PERFORM', 'delivery_cap', 'PASS'],
    ['PERFORM', 'quiet_hours', 'PASS'],
  ])
  expect(mail.calls.filter(({ recipient }) => recipient.id === 'off')).toEqual([])
  expect(await carillon.drainJobs()).toBe(0)
})

test('an address that is removed before the sending suppresses it, and one that is changed is used', async () => {
  const recipients = ['gone', 'moved'].map((id) => ({ id, email: `${id}@example.test` }))
  const { event } = await trigger(carillon, { ...INVOICE, recipients })
  await carillon.ok(
    carillon.backendKey,
    'mutation ($input: UpsertRecipientsInput!) { upsertRecipients(input: $input) { recipients { id } } }',
    {
      input: {
        recipients: [
          { id: 'gone', email: null },
          { id: 'moved', email: 'new@example.test' },
        ],
      },
    },
  )
  await carillon.drainJobs()
  const gone = await deliveryOf(carillon, { eventId: event.id, recipientId: 'gone' })
  expect([gone.status, gone.suppressionReason]).toEqual(['SUPPRESSED', 'missing_address'])
  const moved = await deliveryOf(carillon, { eventId: event.id, recipientId: 'moved' })
  expect([moved.status, moved.attempts[0].address]).toEqual(['SUCCEEDED', 'n…@example.test'])
  expect(mail.calls.at(-1)?.address).toBe('new@example.test')
})

test('what is required is sent, whatever was switched off meanwhile', async () => {
  const recipients = [{ id: 'safe', email: 'safe@example.test' }]
  const { event } = await trigger(carillon, { notificationKey: 'security.alarm', payload: {}, recipients })
  await switchOff('safe', { channel: 'email' })
  await carillon.drainJobs()
  expect((await deliveryOf(carillon, { eventId: event.id, channel: 'email' })).status).toBe('SUCCEEDED')
})

test('what a provider took says by which adapter, to which masked address, and under which id', async () => {
  const recipients = [{ id: 'ada', email: 'ada@example.test', data: { plan: 'pro' } }]
  const { event } = await trigger(carillon, { ...INVOICE, recipients })
  mail.next({ outcome: 'accepted', providerMessageId: 'm-1' })
  await carillon.drainJobs()
  const delivery = await deliveryOf(carillon, { eventId: event.id })
  expect(delivery.attempts).toMatchObject([
    {
      attemptNumber: 1,
      outcome: 'SUCCEEDED',
      errorClass: null,
      reason: null,
      adapter: 'mail',
      address: 'a…@example.test',
      source: 'call',
      providerMessageId: 'm-1',
    },
  ])
  expect(storyOf(delivery).slice(3)).toEqual(['claimed', 'attempt_recorded'])
  expect(mail.calls.at(-1)).toMatchObject({
    tenantId: 'acme',
    deliveryId: delivery.id,
    idempotencyKey: expect.stringMatching(new RegExp(`^${delivery.id}\\.[\\w-]{16}$`)),
    attemptNumber: 1,
    channel: 'email',
    notificationKey: 'invoice.sent',
    recipient: { id: 'ada', data: { plan: 'pro' } },
    address: 'ada@example.test',
    content: { subject: 'Invoice 7', html: '', text: 'Invoice 7' },
    renderKey: 'invoice.sent.email',
    renderVersion: 1,
  })
  const { node } = await carillon.ok(
    carillon.operatorKey,
    'query ($id: ID!) { node(id: $id) { ... on DeliveryAttempt { attemptNumber outcome } } }',
    { id: mail.calls.at(-1)?.attemptId },
  )
  expect(node).toEqual({ attemptNumber: 1, outcome: 'SUCCEEDED' })
})

test('a channel that needs no address is handed over without one', async () => {
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: { code: 3 } })
  await carillon.drainJobs()
  const delivery = await deliveryOf(carillon, { eventId: event.id })
  expect([delivery.status, delivery.attempts[0].address]).toEqual(['SUCCEEDED', null])
  expect(pager.calls.at(-1)).toMatchObject({ address: null, idempotencyKey: delivery.id, content: { code: 3 } })
})
