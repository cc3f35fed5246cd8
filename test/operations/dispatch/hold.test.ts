import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { dieInMidCall, LEASE_MS } from '../../support/dead-worker.ts'
import { deliveryOf, storyOf } from '../../support/deliveries.ts'
import { page, siren } from '../../support/notifiers.ts'
import { dueAt, operate, tryOperate } from '../../support/operator.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { refusalOf, trigger } from '../../support/trigger.ts'

/** One that must not be asked twice, and whose provider may report later. */
const pager = scripted('pager', {
  onUnknown: 'hold',
  retry: { attempts: 2 },
  receive: ({ rawBody }) => [JSON.parse(Buffer.from(rawBody).toString())],
})
const first = scripted('first')
const careful = scripted('careful', { onUnknown: 'hold' })
const config = { notifiers: [page, siren], adapters: { pager, siren: [first, careful] } }

const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(config, { clock })
})
afterAll(() => carillon.close())

let count = 0
/** A delivery whose worker died in mid-call, after its lease has run out. */
const hang = async (input: object = {}): Promise<{ readonly id: string; readonly eventId: string }> => {
  const recipients = [{ id: `reader-${count++}` }]
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {}, recipients, ...input })
  expect(await dieInMidCall(carillon, config, 'pager')).toBe(1)
  clock.advance(LEASE_MS + 1)
  await carillon.drainJobs()
  const { id } = await deliveryOf(carillon, { eventId: event.id, channel: 'pager' })
  return { id, eventId: event.id }
}
const standOf = (eventId: string) => deliveryOf(carillon, { eventId, channel: 'pager' })

test('what a dead worker left in mid-call stays where it is, says so, and nothing of it is due', async () => {
  const before = pager.calls.length
  const { id, eventId } = await hang()
  const hung = await standOf(eventId)
  expect(hung).toMatchObject({ status: 'DISPATCHED', waitingFor: 'operator', suppressionReason: null })
  expect((await deliveryOf(carillon, { awaitsOperator: true })).id).toBe(id)
  expect(hung.attempts).toMatchObject([{ attemptNumber: 1, outcome: 'UNKNOWN', adapter: 'pager', errorClass: null }])
  expect(storyOf(hung).slice(3)).toEqual(['claimed', 'attempt_unknown', 'attempt_held'])
  expect(hung.explanation.summary).toContain('it stays as it is until an operator decides, or the provider reports')
  expect(await dueAt(carillon, id)).toBeNull()
  clock.advance(30 * 86_400_000)
  expect(await carillon.drainJobs()).toBe(0)
  expect((await standOf(eventId)).status).toBe('DISPATCHED')
  expect(pager.calls.length).toBe(before)
  const query = 'query ($id: ID!) { explainDelivery(deliveryId: $id) { waitingFor } }'
  expect((await carillon.ok(carillon.operatorKey, query, { id })).explainDelivery.waitingFor).toBe('operator')
})

test('an operator who tries it again has it sent, under the same idempotency key', async () => {
  const { id, eventId } = await hang()
  expect(await operate(carillon, 'retry', id, 'the provider has nothing')).toMatchObject({
    status: 'PENDING',
    waitingFor: 'due',
  })
  await carillon.drainJobs()
  const sent = await standOf(eventId)
  expect(sent).toMatchObject({ status: 'SUCCEEDED', waitingFor: null })
  expect(sent.attempts.map(({ outcome }: Record<string, unknown>) => outcome)).toEqual(['UNKNOWN', 'SUCCEEDED'])
  expect(pager.calls.at(-1)).toMatchObject({ idempotencyKey: id, attemptNumber: 2 })
  expect(storyOf(sent).slice(3)).toEqual([
    'claimed',
    'attempt_unknown',
    'attempt_held',
    'retried',
    'claimed',
    'attempt_recorded',
  ])
})

test('an operator who cancels it ends it', async () => {
  const { id, eventId } = await hang()
  const before = pager.calls.length
  const cancelled = await operate(carillon, 'cancel', id, 'called by hand')
  expect(cancelled).toMatchObject({ status: 'CANCELLED', suppressionReason: 'cancelled_by_operator', waitingFor: null })
  expect(await carillon.drainJobs()).toBe(0)
  expect(pager.calls.length).toBe(before)
  expect((await standOf(eventId)).explanation.summary).toContain('"called by hand"')
  expect(refusalOf(await tryOperate(carillon, 'cancel', id)).code).toBe('INVALID_STATE')
})

test('nobody can resume it: it is not deferred', async () => {
  const { id } = await hang()
  expect(refusalOf(await tryOperate(carillon, 'resume', id)).code).toBe('INVALID_STATE')
})

test.each([
  ['delivered', 'SUCCEEDED', null],
  ['bounced', 'CANCELLED', 'bounced'],
])("its provider's report that it was %s ends it", async (status, moved, suppressionReason) => {
  const { id, eventId } = await hang()
  const url = carillon.graphqlUrl.replace('/graphql', '/webhooks/acme/pager')
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ deliveryId: id, status }) })
  expect(response.ok).toBe(true)
  await carillon.drainJobs()
  expect(await standOf(eventId)).toMatchObject({ status: moved, suppressionReason, waitingFor: null })
})

test('it hangs after its last try too: whether that was sent is as unknown', async () => {
  pager.next({ outcome: 'temporary' })
  const recipients = [{ id: `reader-${count++}` }]
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {}, recipients })
  await carillon.drainJobs()
  clock.advance(3_600_000)
  expect(await dieInMidCall(carillon, config, 'pager')).toBe(1)
  clock.advance(LEASE_MS + 1)
  await carillon.drainJobs()
  expect(await standOf(event.id)).toMatchObject({ status: 'DISPATCHED', waitingFor: 'operator' })
})

test('one adapter of a channel that holds is enough: which of them had the call nobody knows', async () => {
  const { event } = await trigger(carillon, {
    notificationKey: 'siren.call',
    payload: {},
    recipients: [{ id: 'loud' }],
  })
  expect(await dieInMidCall(carillon, config, 'siren')).toBe(1)
  clock.advance(LEASE_MS + 1)
  await carillon.drainJobs()
  const hung = await deliveryOf(carillon, { eventId: event.id, channel: 'siren' })
  expect(hung).toMatchObject({ status: 'DISPATCHED', waitingFor: 'operator', attempts: [{ outcome: 'UNKNOWN' }] })
  expect([first.calls, careful.calls]).toEqual([[], []])
})

const CANCEL = 'mutation ($eventId: ID!) { cancelEvent(input: { eventId: $eventId }) { cancelledCount tooLateCount } }'

test('one whose event was cancelled meanwhile is given up, with its attempt', async () => {
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {}, recipients: [{ id: 'off' }] })
  expect(await dieInMidCall(carillon, config, 'pager')).toBe(1)
  const { cancelEvent } = await carillon.ok(carillon.backendKey, CANCEL, { eventId: event.id })
  expect(cancelEvent).toEqual({ cancelledCount: 0, tooLateCount: 1 })
  clock.advance(LEASE_MS + 1)
  await carillon.drainJobs()
  expect(await standOf(event.id)).toMatchObject({
    status: 'CANCELLED',
    suppressionReason: 'event_cancelled',
    attempts: [{ outcome: 'UNKNOWN' }],
  })
})

test('one that hangs when its event is cancelled was too late for that, and is not tried again', async () => {
  const { id, eventId } = await hang()
  const { cancelEvent } = await carillon.ok(carillon.backendKey, CANCEL, { eventId })
  expect(cancelEvent).toEqual({ cancelledCount: 0, tooLateCount: 1 })
  expect(await standOf(eventId)).toMatchObject({ status: 'DISPATCHED', waitingFor: 'operator' })
  expect(refusalOf(await tryOperate(carillon, 'retry', id)).code).toBe('INVALID_STATE')
  expect((await operate(carillon, 'cancel', id)).status).toBe('CANCELLED')
})
