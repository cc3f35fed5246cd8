import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { buildRoutes } from '../../server/adapters/routing.ts'
import { encodeNodeId } from '../../server/core/node-id.ts'
import { type Claim, claimDue } from '../../server/db/sql/claim-due.ts'
import { defineConfig } from '../../server/index.ts'
import { beginClaims } from '../../server/operations/dispatch/begin.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf, deliveryOf, standsOf, storyOf } from '../support/deliveries.ts'
import { inboxOf } from '../support/inbox.ts'
import { greeting, page, reminder } from '../support/notifiers.ts'
import { ACTIONS, type Action, dueAt, mutationOf, operate, rowsOf, tryOperate } from '../support/operator.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { NIGHT, setPolicy, switchOff } from '../support/settings.ts'
import { refusalOf, type TriggerInput, trigger as triggerOn } from '../support/trigger.ts'

const MINUTE = 60_000
const LEASE_MS = 30_000
const pager = scripted('pager', { retry: { attempts: 2, firstDelay: '1m', maxDelay: '1m' } })
const sms = scripted('sms')
const config = defineConfig({ notifiers: [page, reminder, greeting], adapters: { pager, sms } })

const clock = new TestClock('2026-03-01T23:30:00.000Z')
let carillon: TestCarillon
let neighbour: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(config, { clock })
  neighbour = await startCarillon(config, { clock, databaseUrl: carillon.databaseUrl })
})
afterAll(async () => {
  await neighbour.close()
  await carillon.close()
})
// It is night whenever a test begins, and what one leaves to be sent is no other's.
afterEach(async () => {
  const tomorrow = new Date(clock.now().getTime() + 24 * 60 * MINUTE).toISOString().slice(0, 10)
  clock.set(`${tomorrow}T12:00:00.000Z`)
  await carillon.drainJobs()
  clock.set(`${tomorrow}T23:30:00.000Z`)
})

const drainBoth = () => Promise.all([carillon.drainJobs(), neighbour.drainJobs()])

interface Called {
  readonly id: string
  readonly eventId: string
  readonly recipientId: string
}

type Recipients = readonly [{ readonly id: string }]
const somebody = (): Recipients => [{ id: randomUUID() }]

/** A page to somebody new, of whom nobody else hears. */
const call = async ({
  recipients = somebody(),
  ...input
}: TriggerInput & { recipients?: Recipients } = {}): Promise<Called> => {
  const { event } = await triggerOn(carillon, { notificationKey: 'pager.call', payload: {}, recipients, ...input })
  const { id } = await deliveryOf(carillon, { eventId: event.id })
  return { id, eventId: event.id, recipientId: recipients[0].id }
}

const asleep = async () => {
  const recipientId: string = randomUUID()
  await setPolicy(carillon, recipientId, { quietHours: [NIGHT] })
  return { recipients: [{ id: recipientId, phone: '+491701234567' }] as const }
}
/** A page that waits for the morning. */
const held = async (input: object = {}): Promise<Called> => call({ ...(await asleep()), ...input })

const failedWith = async (...acts: readonly object[]): Promise<Called> => {
  pager.next(...acts)
  const called = await call()
  await carillon.drainJobs()
  clock.advance(MINUTE)
  return called
}
const TEMPORARY = { outcome: 'temporary', retryAfterMs: 10 * MINUTE }

const cancelEvent = (eventId: string) =>
  carillon.ok(carillon.backendKey, 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount } }', {
    id: eventId,
  })
const callsOf = ({ id }: { readonly id: string }) =>
  [pager, sms].flatMap(({ calls }) => calls).filter(({ deliveryId }) => deliveryId === id)
const readDelivery = async ({ eventId, id }: Called) =>
  (await deliveriesOf(carillon, { eventId })).find((delivery) => delivery.id === id)
const inAMinute = () => new Date(clock.now().getTime() + MINUTE).toISOString()

/** A delivery in each state there is, and what an operator may do with it. */
const STATES: readonly (readonly [string, readonly Action[], () => Promise<Called>])[] = [
  ['is to be sent', ['cancel'], () => call()],
  ['was put off', ['cancel', 'resume'], () => held()],
  ['failed for now', ['retry', 'cancel'], () => failedWith(TEMPORARY)],
  [
    'was sent',
    [],
    async () => {
      const called = await call()
      await carillon.drainJobs()
      return called
    },
  ],
  ['is in the inbox', [], () => call({ notificationKey: 'greeting', payload: { text: 'hello' } })],
  [
    'was suppressed',
    [],
    async () => {
      const recipients = somebody()
      await switchOff(carillon, recipients[0].id, { channel: 'pager' })
      return call({ recipients })
    },
  ],
  ['was refused for good', ['retry'], () => failedWith({ outcome: 'permanent' })],
  ['bounced', ['retry'], () => failedWith({ outcome: 'bounced' })],
  [
    'used up its tries',
    ['retry'],
    async () => {
      const called = await failedWith(TEMPORARY, TEMPORARY)
      clock.advance(10 * MINUTE)
      await carillon.drainJobs()
      return called
    },
  ],
  [
    'was cancelled by an operator',
    ['retry'],
    async () => {
      const called = await held()
      await operate(carillon, 'cancel', called.id)
      return called
    },
  ],
  [
    'was cancelled with its event',
    [],
    async () => {
      const called = await held()
      await cancelEvent(called.eventId)
      return called
    },
  ],
  [
    'expired',
    [],
    async () => {
      const called = await held({ expiresAt: inAMinute() })
      clock.advance(MINUTE)
      await carillon.drainJobs()
      return called
    },
  ],
  [
    'failed for now, of an event that was cancelled after it had been handed over',
    ['cancel'],
    async () => {
      let answer: (result: unknown) => void = () => {}
      const inHand = new Promise<void>((called) => {
        pager.next(() => {
          called()
          return new Promise((resolve) => {
            answer = resolve
          })
        })
      })
      const called = await call()
      const draining = carillon.drainJobs()
      await inHand
      await cancelEvent(called.eventId)
      answer(TEMPORARY)
      await draining
      return called
    },
  ],
  [
    'was cancelled by an operator, and has expired',
    [],
    async () => {
      const called = await held({ expiresAt: inAMinute() })
      await operate(carillon, 'cancel', called.id)
      clock.advance(MINUTE)
      return called
    },
  ],
  [
    'was cancelled by an operator, of an event that was cancelled later',
    [],
    async () => {
      const called = await held()
      await operate(carillon, 'cancel', called.id)
      await cancelEvent(called.eventId)
      return called
    },
  ],
]

test.each(STATES)(
  'one that %s: what an operator may not do with it is refused, and changes nothing',
  async (_, allowed, make) => {
    const called = await make()
    const before = await rowsOf(carillon, called.id)
    for (const action of ACTIONS.filter((action) => !allowed.includes(action))) {
      const answer = await tryOperate(carillon, action, called.id)
      expect([action, refusalOf(answer)]).toEqual([action, { code: 'INVALID_STATE', path: 'input.deliveryId' }])
      expect(answer.errors[0]?.message).toContain(`Cannot ${action} this delivery`)
    }
    expect(await rowsOf(carillon, called.id)).toEqual(before)
  },
)

const AFTER: Readonly<Record<Action, object>> = {
  retry: { status: 'PENDING', orchestrationState: 'READY', waitingFor: 'due', suppressionReason: null },
  resume: { status: 'PENDING', orchestrationState: 'READY', waitingFor: 'due', suppressionReason: null },
  cancel: { status: 'CANCELLED', waitingFor: null, suppressionReason: 'cancelled_by_operator' },
}
const TOLD: Readonly<Record<Action, string>> = { retry: 'retried', resume: 'resumed', cancel: 'cancelled' }

test.each(STATES.flatMap(([state, allowed, make]) => allowed.map((action) => [action, state, make] as const)))(
  'an operator may %s one that %s, and the words are kept',
  async (action, _, make) => {
    const called = await make()
    clock.advance(1)
    const calls = callsOf(called).length
    const words = `ticket 7: please ${action}`
    expect(await operate(carillon, action, called.id, words)).toMatchObject({ ...AFTER[action], nextAttemptAt: null })
    expect(await dueAt(carillon, called.id)).toBe(action === 'cancel' ? null : clock.now().toISOString())
    const told = (await readDelivery(called)).explanation.timeline.at(-1)
    expect(told).toMatchObject({
      event: TOLD[action],
      at: clock.now().toISOString(),
      detail: { source: 'operator', words },
    })
    // Asked for again it is refused: it is not what it was.
    expect(refusalOf(await tryOperate(carillon, action, called.id)).code).toBe('INVALID_STATE')

    await drainBoth()
    expect(callsOf(called).length - calls).toBe(action === 'cancel' ? 0 : 1)
    const after = await readDelivery(called)
    expect(after.status).toBe(action === 'cancel' ? 'CANCELLED' : 'SUCCEEDED')
  },
)

test('one that a provider has in hand is left to it', async () => {
  let answer: (result: unknown) => void = () => {}
  const inHand = new Promise<void>((called) => {
    pager.next(() => {
      called()
      return new Promise((resolve) => {
        answer = resolve
      })
    })
  })
  const called = await call()
  const draining = carillon.drainJobs()
  await inHand
  const before = await rowsOf(carillon, called.id)
  for (const action of ACTIONS) {
    expect(refusalOf(await tryOperate(carillon, action, called.id)).code).toBe('INVALID_STATE')
  }
  expect(await rowsOf(carillon, called.id)).toEqual(before)
  answer({ outcome: 'accepted' })
  await draining
  expect((await readDelivery(called)).status).toBe('SUCCEEDED')
})

test('what is resumed goes out in the midst of the night, and says that an operator let it', async () => {
  const called = await held()
  const { nextEligibleAt } = await readDelivery(called)
  await operate(carillon, 'resume', called.id)
  await carillon.drainJobs()
  const sent = await readDelivery(called)
  expect(sent.status).toBe('SUCCEEDED')
  const asked = sent.explanation.decisions.findLast(({ rule }: { rule: string }) => rule === 'quiet_hours')
  expect(asked).toMatchObject({ checkpoint: 'PERFORM', verdict: 'PASS', facts: { released: 'operator' } })
  expect(storyOf(sent)).toEqual(expect.arrayContaining(['resumed', 'claimed', 'attempt_recorded']))
  const resumed = sent.explanation.timeline.filter(({ event }: { event: string }) => event === 'resumed')
  expect(resumed).toHaveLength(1)
  expect(resumed[0].detail).toMatchObject({ source: 'operator', scheduledAt: nextEligibleAt })
})

test('once let go it is not held again: its further tries are at night too', async () => {
  const called = await held()
  await operate(carillon, 'resume', called.id)
  pager.next({ outcome: 'temporary', retryAfterMs: MINUTE })
  await carillon.drainJobs()
  clock.advance(MINUTE)
  await carillon.drainJobs()
  expect((await readDelivery(called)).status).toBe('SUCCEEDED')
})

test('a retry passes quiet hours as well', async () => {
  const called = await held()
  await operate(carillon, 'cancel', called.id)
  await operate(carillon, 'retry', called.id)
  await carillon.drainJobs()
  expect((await readDelivery(called)).status).toBe('SUCCEEDED')
})

/** A text message that waits for the notification to be read. */
const remind = async (recipients: Recipients): Promise<Called> => {
  const { event } = await triggerOn(carillon, { notificationKey: 'task.due', payload: {}, recipients })
  const { id } = await deliveryOf(carillon, { eventId: event.id, channel: 'sms' })
  return { id, eventId: event.id, recipientId: recipients[0].id }
}

test('what is resumed does not wait for its fallback delay, nor for the night to end', async () => {
  const called = await remind((await asleep()).recipients)
  await operate(carillon, 'resume', called.id)
  await carillon.drainJobs()
  expect(callsOf(called)).toHaveLength(1)
})

test.each([
  ['preferences', 'channel_disabled', (called: Called) => switchOff(carillon, called.recipientId, { channel: 'sms' })],
  [
    'caps',
    'delivery_cap_reached',
    async ({ recipientId }: Called) => {
      await setPolicy(carillon, recipientId, { caps: [{ limit: 1, windowMinutes: 60 }] })
      // One that stands before it, and that goes out now as well.
      await operate(carillon, 'resume', (await deliveryOf(carillon, { recipientId, channel: 'pager' })).id)
    },
  ],
  [
    'having been read',
    'already_read',
    async (called: Called) => {
      await (await inboxOf(carillon, called.recipientId)).mark('markRead', { filter: {} })
    },
  ],
])('what is resumed is still subject to %s', async (_, reason, change) => {
  const { recipients } = await asleep()
  await call({ recipients })
  const called = await remind(recipients)
  await change(called)
  await operate(carillon, 'resume', called.id)
  await carillon.drainJobs()
  expect(await readDelivery(called)).toMatchObject({ status: 'SUPPRESSED', suppressionReason: reason })
  expect(callsOf(called)).toEqual([])
})

test('a retry has all its tries before it, and its attempts go on counting', async () => {
  const called = await failedWith(TEMPORARY, TEMPORARY)
  clock.advance(10 * MINUTE)
  await carillon.drainJobs()
  expect((await readDelivery(called)).suppressionReason).toBe('retries_exhausted')
  for (let round = 1; round <= 2; round++) {
    clock.advance(1)
    await operate(carillon, 'retry', called.id)
    pager.next(TEMPORARY, TEMPORARY)
    await carillon.drainJobs()
    expect(await readDelivery(called)).toMatchObject({ status: 'FAILED', waitingFor: 'retry' })
    clock.advance(10 * MINUTE)
    await carillon.drainJobs()
    expect(await readDelivery(called)).toMatchObject({ status: 'CANCELLED', suppressionReason: 'retries_exhausted' })
  }
  clock.advance(1)
  await operate(carillon, 'retry', called.id)
  await carillon.drainJobs()
  const sent = await readDelivery(called)
  expect(sent.status).toBe('SUCCEEDED')
  expect(sent.attempts.map(({ attemptNumber }: { attemptNumber: number }) => attemptNumber)).toEqual(
    Array.from({ length: 7 }, (_, index) => index + 1),
  )
  expect(new Set(callsOf(called).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
})

test('a delivery that is none, is of another kind or of another tenant is not found', async () => {
  const called = await held()
  const other = await carillon.addTenant('other')
  const before = await rowsOf(carillon, called.id)
  for (const action of ACTIONS) {
    const input = { deliveryId: called.id, reason: 'mine' }
    const foreign = await carillon.ask(other.operatorKey, mutationOf(action), { input })
    const others = [called.eventId, 'nonsense', '', encodeNodeId('Delivery', randomUUID())]
    for (const answer of [foreign, ...(await Promise.all(others.map((id) => tryOperate(carillon, action, id))))]) {
      expect(refusalOf(answer)).toEqual({ code: 'NOT_FOUND', path: 'input.deliveryId' })
    }
  }
  expect(await rowsOf(carillon, called.id)).toEqual(before)
})

test('only an operator may, and only with words that can be kept', async () => {
  const called = await held()
  const before = await rowsOf(carillon, called.id)
  for (const action of ACTIONS) {
    const input = { deliveryId: called.id, reason: 'mine' }
    for (const credential of [carillon.backendKey, await carillon.tokenFor(called.recipientId)]) {
      const { errors } = await carillon.ask(credential, mutationOf(action), { input })
      expect(errors.map(({ extensions }) => extensions['code'])).toEqual(['FORBIDDEN'])
    }
    for (const words of ['a\0b', 'x'.repeat(2_001)]) {
      const answer = await tryOperate(carillon, action, called.id, words)
      expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.reason' })
    }
  }
  expect(await rowsOf(carillon, called.id)).toEqual(before)
})

test('a worker that has claimed one, and not begun, finds it gone', async () => {
  const { app } = carillon
  const claim = async () => {
    const statement = claimDue([{ lane: 'pager', tenantId: null, places: 10 }], { now: clock.now(), leaseMs: LEASE_MS })
    return (await app.db.system.query<Claim>(statement)).rows
  }
  const begin = (claims: readonly Claim[]) =>
    beginClaims({ ...app, routes: buildRoutes(config), leaseMs: LEASE_MS }, claims)
  const cancelled = await call()
  const cancelledClaims = await claim()
  await operate(carillon, 'cancel', cancelled.id)
  expect(await begin(cancelledClaims)).toEqual([])

  const ofEvent = await call()
  const ofEventClaims = await claim()
  await cancelEvent(ofEvent.eventId)
  expect(await begin(ofEventClaims)).toEqual([])

  const retried = await failedWith({ outcome: 'temporary', retryAfterMs: MINUTE })
  const retriedClaims = await claim()
  expect(retriedClaims).toHaveLength(1)
  await operate(carillon, 'retry', retried.id)
  expect(await begin(retriedClaims)).toEqual([])
  await drainBoth()
  expect([cancelled, ofEvent, retried].map((one) => callsOf(one).length)).toEqual([0, 0, 2])
})

test('an operator who races the workers either wins, and nothing is sent, or is told so, and it is', async () => {
  for (let round = 0; round < 5; round++) {
    const recipients = Array.from({ length: 15 }, (_, index) => ({ id: `racer-${index}` }))
    const { event } = await triggerOn(carillon, { notificationKey: 'pager.call', payload: {}, recipients })
    const deliveries = await deliveriesOf(carillon, { eventId: event.id })
    const cancelling = Promise.all(deliveries.map(({ id }) => tryOperate(carillon, 'cancel', id)))
    const [answers] = await Promise.all([cancelling, drainBoth()])
    const stands = await standsOf(carillon, { eventId: event.id })
    for (const [index, { errors }] of answers.entries()) {
      const won = errors.length === 0
      if (!won) expect(errors[0]?.extensions['code']).toBe('INVALID_STATE')
      expect([stands[index], callsOf(deliveries[index]).length]).toEqual(
        won ? ['pager cancelled_by_operator', 0] : ['pager SUCCEEDED', 1],
      )
    }
  }
})

test('of what an operator resumes at the instant at which it resumes by itself, everything is sent once', async () => {
  const recipients = Array.from({ length: 15 }, () => ({ id: randomUUID() }))
  for (const { id } of recipients) await setPolicy(carillon, id, { quietHours: [NIGHT] })
  const { event } = await triggerOn(carillon, { notificationKey: 'pager.call', payload: {}, recipients })
  const deliveries = await deliveriesOf(carillon, { eventId: event.id })
  clock.set(deliveries[0].nextEligibleAt)
  const resuming = Promise.all(deliveries.map(({ id }) => tryOperate(carillon, 'resume', id)))
  await Promise.all([resuming, drainBoth()])
  await drainBoth()
  expect(new Set(await standsOf(carillon, { eventId: event.id }))).toEqual(new Set(['pager SUCCEEDED']))
  expect(deliveries.map((delivery) => callsOf(delivery).length)).toEqual(deliveries.map(() => 1))
})

test('a retry that races the cancellation of its event is never sent', async () => {
  for (let round = 0; round < 10; round++) {
    const called = await held()
    await operate(carillon, 'cancel', called.id)
    await Promise.all([tryOperate(carillon, 'retry', called.id), cancelEvent(called.eventId), drainBoth()])
    await drainBoth()
    const { status } = await readDelivery(called)
    // It may have been handed over before the event was cancelled; after that it may not.
    expect([status, callsOf(called).length]).toEqual(status === 'SUCCEEDED' ? ['SUCCEEDED', 1] : ['CANCELLED', 0])
  }
})

test.each([
  ['resume', () => held()],
  ['cancel', () => held()],
  ['retry', () => failedWith({ outcome: 'permanent' })],
] as const)('of ten operators who %s it at once one does, and it happens once', async (action, make) => {
  const called = await make()
  clock.advance(1)
  const calls = callsOf(called).length
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => tryOperate(index % 2 ? carillon : neighbour, action, called.id)),
  )
  const refused = answers.flatMap(({ errors }) => errors.map(({ extensions }) => extensions['code']))
  expect(refused).toEqual(Array.from({ length: 9 }, () => 'INVALID_STATE'))
  await drainBoth()
  expect(callsOf(called).length - calls).toBe(action === 'cancel' ? 0 : 1)
  const told = (await readDelivery(called)).explanation.timeline.filter(
    ({ event, detail }: { event: string; detail: { source?: string } }) =>
      event === TOLD[action] && detail.source === 'operator',
  )
  expect(told).toHaveLength(1)
})
