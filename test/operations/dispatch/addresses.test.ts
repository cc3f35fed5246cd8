import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type Adapter, defineNotifier, type OutgoingMessage } from '../../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveryOf, storyOf } from '../../support/deliveries.ts'
import { invoice } from '../../support/notifiers.ts'
import { operate } from '../../support/operator.ts'
import { pushSubscription } from '../../support/push-subscription.ts'
import { switchOff } from '../../support/settings.ts'
import { trigger } from '../../support/trigger.ts'

const accepted = { outcome: 'accepted' }
const temporary = { outcome: 'temporary', reason: 'busy', retryAfterMs: 60_000 }
const permanent = { outcome: 'permanent', reason: 'too old' }
const bounced = { outcome: 'bounced', reason: 'gone' }
type Answer = typeof accepted | typeof temporary | typeof permanent | typeof bounced

const calls: OutgoingMessage[] = []
/** What each address answers, call by call; it accepts when all of it has been answered. */
const answers = new Map<string, Answer[]>()
const provider = (name: string): Adapter => ({
  name,
  retry: { attempts: 3, firstDelay: '10s', maxDelay: '1m' },
  deliver: async (message) => {
    calls.push(message)
    return (answers.get(message.address ?? '')?.shift() ?? accepted) as Awaited<ReturnType<Adapter['deliver']>>
  },
  receive: ({ rawBody }) => [JSON.parse(Buffer.from(rawBody).toString())],
})

const ping = defineNotifier({
  key: 'ping',
  version: 1,
  payload: z.object({}),
  channels: ['push'],
  render: { push: () => ({ title: 'Ping', body: '' }) },
})

const clock = new TestClock()
let carillon: TestCarillon
let recipientId: string
let count = 0
beforeAll(async () => {
  const config = { notifiers: [ping, invoice], adapters: { push: provider('push'), email: provider('mail') } }
  carillon = await startCarillon(config, { clock })
})
afterAll(() => carillon.close())
beforeEach(() => {
  recipientId = `reader-${count++}`
  calls.length = 0
  answers.clear()
})

const change = async (name: 'registerAddress' | 'removeAddress', input: object): Promise<void> => {
  const mutation = `mutation ($input: AddressInput!) { ${name}(input: $input) { __typename } }`
  await carillon.ok(carillon.backendKey, mutation, { input: { recipientId, ...input } })
}
/** A browser of the recipient's, which gives these answers. */
const device = async (name: string, ...given: Answer[]): Promise<string> => {
  const address = pushSubscription(name)
  answers.set(address, given)
  await change('registerAddress', { channel: 'push', address })
  return address
}
const report = async (said: object): Promise<void> => {
  const url = carillon.graphqlUrl.replace('/graphql', '/webhooks/acme/push')
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(said) })
  expect(response.ok).toBe(true)
  await carillon.drainJobs()
}
const addressesOf = async (): Promise<{ readonly address: string; readonly bouncedAt: string | null }[]> => {
  const query = `query ($id: ID!) { recipient(recipientId: $id) { addresses { address bouncedAt } } }`
  return (await carillon.ok(carillon.backendKey, query, { id: recipientId })).recipient.addresses
}
const send = async (input: object = {}): Promise<string> => {
  const { event } = await trigger(carillon, {
    notificationKey: 'ping',
    payload: {},
    recipients: [{ id: recipientId }],
    ...input,
  })
  await carillon.drainJobs()
  return event.id
}
const tryAgain = async (): Promise<number> => {
  clock.advance(60_000)
  return carillon.drainJobs()
}
const stand = async (eventId: string) => {
  const { status, suppressionReason } = await deliveryOf(carillon, { eventId })
  return [status, suppressionReason]
}
const called = (): readonly (string | null)[] => calls.map(({ address }) => address)
const outcomes = ({ attempts }: GraphQLAnswer['data']): string[] =>
  attempts.map(({ address, outcome }: Record<string, string>) => `${address?.slice(-4)} ${outcome}`)

test('of three devices only the one that failed for now is tried again, and the delivery has succeeded in the end', async () => {
  const one = await device('one1', accepted)
  const two = await device('two2', temporary)
  const three = await device('tre3', bounced)
  const eventId = await send()
  expect(called()).toEqual([one, two, three])
  const failed = await deliveryOf(carillon, { eventId })
  expect(failed).toMatchObject({ status: 'FAILED', waitingFor: 'retry', suppressionReason: null })
  expect(outcomes(failed)).toEqual(['one1 SUCCEEDED', 'two2 FAILED', 'tre3 BOUNCED'])
  expect(failed.explanation.timeline.at(-1)).toMatchObject({
    event: 'retry_scheduled',
    detail: { reason: 'temporary' },
  })

  expect(await tryAgain()).toBe(1)
  expect(called()).toEqual([one, two, three, two])
  const sent = await deliveryOf(carillon, { eventId })
  expect(sent).toMatchObject({ status: 'SUCCEEDED', waitingFor: null })
  expect(outcomes(sent).at(-1)).toBe('two2 SUCCEEDED')
  expect(sent.attempts.map(({ attemptNumber }: GraphQLAnswer['data']) => attemptNumber)).toEqual([1, 2, 3, 4])
  expect(sent.explanation.summary).toMatch(/ by push, on try 2\.$/)
  clock.advance(86_400_000)
  expect(await carillon.drainJobs()).toBe(0)
})

test('a provider can tell a repeat for one device from a message for another', async () => {
  await device('one1', temporary)
  await device('two2', temporary)
  const eventId = await send()
  await tryAgain()
  const { id } = await deliveryOf(carillon, { eventId })
  const keys = calls.map(({ idempotencyKey }) => idempotencyKey)
  expect(keys.slice(2)).toEqual(keys.slice(0, 2))
  expect(new Set(keys).size).toBe(2)
  for (const key of keys) expect(key.startsWith(`${id}.`)).toBe(true)
  expect(new Set(calls.map(({ deliveryId }) => deliveryId))).toEqual(new Set([id]))
  expect(calls.map(({ attemptNumber }) => attemptNumber)).toEqual([1, 2, 3, 4])
  const ids = calls.map(({ attemptId }) => attemptId)
  expect(new Set(ids).size).toBe(4)
  const query = 'query ($id: ID!) { node(id: $id) { ... on DeliveryAttempt { attemptNumber } } }'
  for (const [index, attempt] of ids.entries()) {
    const { node } = await carillon.ok(carillon.operatorKey, query, { id: attempt })
    expect(node).toEqual({ attemptNumber: index + 1 })
  }
})

test.each<[string, readonly Answer[][], readonly [string, string | null]]>([
  ['all of them bounced', [[bounced], [bounced]], ['CANCELLED', 'bounced']],
  ['one bounced and one refused', [[bounced], [permanent]], ['CANCELLED', 'permanent_failure']],
  ['all of them refused', [[permanent], [permanent]], ['CANCELLED', 'permanent_failure']],
  ['one accepted and one refused', [[accepted], [permanent]], ['SUCCEEDED', null]],
  ['one accepted and one bounced', [[bounced], [accepted]], ['SUCCEEDED', null]],
  ['one accepted later, when the other had bounced', [[bounced], [temporary, accepted]], ['SUCCEEDED', null]],
  ['one bounced later, when the other had bounced', [[bounced], [temporary, bounced]], ['CANCELLED', 'bounced']],
  ['one refused later, when the other had accepted', [[accepted], [temporary, permanent]], ['SUCCEEDED', null]],
  [
    'one accepted, and the tries for the other were used up',
    [[accepted], [temporary, temporary, temporary]],
    ['SUCCEEDED', null],
  ],
  [
    'the tries were used up for both',
    [
      [temporary, temporary, temporary],
      [temporary, temporary, temporary],
    ],
    ['CANCELLED', 'retries_exhausted'],
  ],
])('where %s the delivery says so', async (_, [first = [], second = []], settled) => {
  await device('one1', ...first)
  await device('two2', ...second)
  const eventId = await send()
  await tryAgain()
  await tryAgain()
  expect(await stand(eventId)).toEqual(settled)
  for (const address of new Set(called())) {
    expect(called().filter((one) => one === address)).toHaveLength(
      Math.max(1, address === pushSubscription('one1') ? first.length : second.length),
    )
  }
  clock.advance(86_400_000)
  expect(await carillon.drainJobs()).toBe(0)
})

test('a device that was removed in between is not tried again, and the others decide', async () => {
  const one = await device('one1', accepted)
  const two = await device('two2', temporary)
  const eventId = await send()
  await change('removeAddress', { channel: 'push', address: two })
  await tryAgain()
  expect(called()).toEqual([one, two])
  expect(await stand(eventId)).toEqual(['SUCCEEDED', null])
})

test('what one device accepted was sent, even where none is left to be tried again', async () => {
  const one = await device('one1', accepted)
  const two = await device('two2', temporary)
  const eventId = await send()
  await change('removeAddress', { channel: 'push', address: one })
  await change('removeAddress', { channel: 'push', address: two })
  await tryAgain()
  const delivery = await deliveryOf(carillon, { eventId })
  expect(delivery).toMatchObject({ status: 'SUCCEEDED', suppressionReason: null, waitingFor: null })
  expect(storyOf(delivery).at(-1)).toBe('retry_dropped')
  expect(delivery.explanation.timeline.at(-1).detail).toMatchObject({ reason: 'missing_address', rule: 'address' })
})

test('what none has accepted is suppressed where none is left', async () => {
  const one = await device('one1', temporary)
  const eventId = await send()
  await change('removeAddress', { channel: 'push', address: one })
  await tryAgain()
  expect(await stand(eventId)).toEqual(['SUPPRESSED', 'missing_address'])
})

const cancelEvent = async (eventId: string): Promise<void> => {
  const cancel =
    'mutation ($eventId: ID!) { cancelEvent(input: { eventId: $eventId }) { cancelledCount tooLateCount } }'
  const answer = await carillon.ok(carillon.backendKey, cancel, { eventId })
  expect(answer.cancelEvent).toEqual({ cancelledCount: 0, tooLateCount: 1 })
}
test.each<[string, string, (eventId: string) => Promise<unknown>, (() => object)?]>([
  ['was switched off', 'channel_disabled', () => switchOff(carillon, recipientId, { channel: 'push' })],
  ['had its event cancelled', 'event_cancelled', cancelEvent],
  [
    'was cancelled by an operator',
    'cancelled_by_operator',
    async (eventId) => operate(carillon, 'cancel', (await deliveryOf(carillon, { eventId })).id),
  ],
  ['expired', 'expired', async () => {}, () => ({ expiresAt: new Date(clock.now().getTime() + 30_000).toISOString() })],
])(
  'what %s after one device had accepted was sent, and goes to no other',
  async (_, reason, end, input = () => ({})) => {
    await device('one1', accepted)
    await device('two2', temporary)
    const eventId = await send(input())
    await end(eventId)
    await tryAgain()
    expect(calls).toHaveLength(2)
    const delivery = await deliveryOf(carillon, { eventId })
    expect(delivery).toMatchObject({ status: 'SUCCEEDED', suppressionReason: null, nextAttemptAt: null })
    expect(delivery.explanation.timeline.at(-1)).toMatchObject({ event: 'retry_dropped', detail: { reason } })
    expect(delivery.explanation.summary).toMatch(/^Sent at .* by push, on try 1\.$/)
  },
)

test('a device that was added in between is reached by the next try', async () => {
  const one = await device('one1', temporary)
  const eventId = await send()
  const two = await device('two2')
  await tryAgain()
  expect(called()).toEqual([one, one, two])
  expect(await stand(eventId)).toEqual(['SUCCEEDED', null])
})

test('a push subscription that is gone is removed, and one that was only refused stays', async () => {
  await device('one1', bounced)
  const two = await device('two2', permanent)
  await send()
  expect(await addressesOf()).toEqual([{ address: two, bouncedAt: null }])
  await send()
  expect(called().slice(2)).toEqual([two])
})

const INVOICE = { notificationKey: 'invoice.sent', payload: { number: 7 } }

test('an e-mail address that bounced is marked, mail to it is suppressed, and support can tell why', async () => {
  const email = `${recipientId}@example.test`
  answers.set(email, [bounced])
  expect(await stand(await send({ ...INVOICE, recipients: [{ id: recipientId, email }] }))).toEqual([
    'CANCELLED',
    'bounced',
  ])
  const [marked] = await addressesOf()
  expect(marked).toEqual({ address: email, bouncedAt: clock.now().toISOString() })

  // The backend gives the address with every trigger: it stays bounced.
  const eventId = await send({ ...INVOICE, recipients: [{ id: recipientId, email }] })
  const delivery = await deliveryOf(carillon, { eventId })
  expect(delivery).toMatchObject({ status: 'SUPPRESSED', suppressionReason: 'address_bounced', attempts: [] })
  expect(delivery.explanation.summary).toMatch(/^Not sent: the recipient's address for email had bounced/)
  expect(
    delivery.explanation.decisions.find(({ verdict }: GraphQLAnswer['data']) => verdict === 'SUPPRESS'),
  ).toMatchObject({
    checkpoint: 'PLANNING',
    rule: 'address',
    reason: 'address_bounced',
    facts: { needed: true, addresses: 0, bounced: 1 },
  })

  await change('registerAddress', { channel: 'email', address: email })
  expect((await addressesOf())[0]?.bouncedAt).toBeNull()
  expect(await stand(await send(INVOICE))).toEqual(['SUCCEEDED', null])
  expect(called()).toEqual([email, email])
})

test('where one of two e-mail addresses has bounced, mail goes to the other', async () => {
  const email = `${recipientId}@example.test`
  answers.set(email, [bounced])
  await send({ ...INVOICE, recipients: [{ id: recipientId, email }] })
  await change('registerAddress', { channel: 'email', address: 'second@example.test' })
  expect(await stand(await send(INVOICE))).toEqual(['SUCCEEDED', null])
  expect(called()).toEqual([email, 'second@example.test'])
})

test('an address that bounced between the trigger and the sending is not called', async () => {
  const email = `${recipientId}@example.test`
  answers.set(email, [bounced])
  const recipients = [{ id: recipientId, email }]
  const { event } = await trigger(carillon, { ...INVOICE, recipients })
  await carillon.sql.query('update recipient set email_bounced_at = now() where recipient_id = $1', [recipientId])
  await carillon.drainJobs()
  expect(await stand(event.id)).toEqual(['SUPPRESSED', 'address_bounced'])
  expect(calls).toEqual([])
})

test('an operator who clears the bounce and tries again has it sent, to that address alone', async () => {
  const one = await device('one1', bounced)
  const two = await device('two2', temporary, bounced)
  const eventId = await send()
  await tryAgain()
  expect(await stand(eventId)).toEqual(['CANCELLED', 'bounced'])
  await change('registerAddress', { channel: 'push', address: one })
  const { id } = await deliveryOf(carillon, { eventId })
  clock.advance(1_000)
  await operate(carillon, 'retry', id)
  await carillon.drainJobs()
  expect(called()).toEqual([one, two, two, one])
  expect(await stand(eventId)).toEqual(['SUCCEEDED', null])
})

test('what a provider took back later is sent again where an operator wants it', async () => {
  const one = await device('one1')
  const eventId = await send()
  const { id: deliveryId } = await deliveryOf(carillon, { eventId })
  await report({ deliveryId, status: 'bounced' })
  expect(await stand(eventId)).toEqual(['CANCELLED', 'bounced'])
  expect(await addressesOf()).toEqual([])
  await change('registerAddress', { channel: 'push', address: one })
  clock.advance(1_000)
  await operate(carillon, 'retry', deliveryId)
  await carillon.drainJobs()
  expect(called()).toEqual([one, one])
  expect(await stand(eventId)).toEqual(['SUCCEEDED', null])
})
