import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineConfig, defineNotifier, memory } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { dieInMidCall as dieOnChannel, LEASE_MS } from '../../support/dead-worker.ts'

const mail = memory()
const render = { email: () => ({ subject: 'News', html: 'news', text: 'news' }) }
const config = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'news',
      version: 1,
      payload: z.object({}),
      channels: ['email'],
      render,
    }),
    defineNotifier({
      key: 'journey',
      version: 1,
      payload: z.object({}),
      channels: ['email'],
      render,
      workflow: { key: 'journey', version: 1, steps: [{ key: 'only', channel: 'email' }] },
    }),
  ],
  adapters: { email: mail },
})

let clock: TestClock
let carillon: TestCarillon
beforeEach(async () => {
  clock = new TestClock()
  mail.clear()
  carillon = await startCarillon(config, { clock })
})
afterEach(() => carillon.close())

const trigger = (recipientId: string, notificationKey = 'news') =>
  carillon.ok(carillon.backendKey, 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }', {
    input: {
      notificationKey,
      idempotencyKey: recipientId,
      recipients: [{ id: recipientId, email: `${recipientId}@example.test` }],
    },
  })

const SWITCH_OFF =
  'mutation { setPreferences(input: { recipientId: "ada", preferences: [{ channel: "email", enabled: false }] }) { preferences { recipientId } } }'

const dieInMidCall = (): Promise<number> => dieOnChannel(carillon, config, 'email')

const outcomeFor = async (recipientId: string) => {
  const query = `{ deliveries(filter: { recipientId: "${recipientId}" }) { edges { node {
    status suppressionReason attempts { attemptNumber outcome } explanation { summary timeline { event } } } } } }`
  return (await carillon.ok(carillon.operatorKey, query)).deliveries.edges[0].node
}

test('what a dead worker left in mid-call is recorded as unknown and sent again', async () => {
  await trigger('ada')
  expect(await dieInMidCall()).toBe(1)
  clock.advance(LEASE_MS + 1)
  await carillon.drainJobs()
  expect(await outcomeFor('ada')).toMatchObject({
    status: 'SUCCEEDED',
    attempts: [
      { attemptNumber: 1, outcome: 'UNKNOWN' },
      { attemptNumber: 2, outcome: 'SUCCEEDED' },
    ],
  })
})

test('where it must not be sent any more it is suppressed, still recorded, and holds up nobody else', async () => {
  await trigger('ada')
  expect(await dieInMidCall()).toBe(1)
  await carillon.ok(carillon.backendKey, SWITCH_OFF)
  await trigger('bob')
  clock.advance(LEASE_MS + 1)
  await carillon.drainJobs()
  const ada = await outcomeFor('ada')
  expect(ada).toMatchObject({
    status: 'SUPPRESSED',
    suppressionReason: 'channel_disabled',
    attempts: [{ attemptNumber: 1, outcome: 'UNKNOWN' }],
  })
  expect(ada.explanation.timeline.map(({ event }: { event: string }) => event)).toEqual(
    expect.arrayContaining(['claimed', 'attempt_unknown', 'suppressed']),
  )
  expect(await outcomeFor('bob')).toMatchObject({ status: 'SUCCEEDED' })
  expect(mail.messages.map(({ recipient }) => recipient.id)).toEqual(['bob'])
})

test.each(['news', 'journey'])(
  'it is told once, of %s, that what became of a call is not known',
  async (notificationKey) => {
    const told: string[] = []
    carillon.app.telemetry.on('attempt.unknown', ({ deliveryId }) => void told.push(deliveryId))
    await trigger('ada', notificationKey)
    expect(await dieInMidCall()).toBe(1)
    await carillon.ok(carillon.backendKey, SWITCH_OFF)
    clock.advance(LEASE_MS + 1)
    await carillon.drainJobs()
    expect(await outcomeFor('ada')).toMatchObject({ status: 'SUPPRESSED', attempts: [{ outcome: 'UNKNOWN' }] })
    expect(told).toHaveLength(1)
  },
)

test('where its event was cancelled meanwhile it is given up', async () => {
  const { event } = (await trigger('ada')).trigger
  expect(await dieInMidCall()).toBe(1)
  const { cancelEvent } = await carillon.ok(
    carillon.backendKey,
    'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount tooLateCount } }',
    { id: event.id },
  )
  expect(cancelEvent).toEqual({ cancelledCount: 0, tooLateCount: 1 })
  clock.advance(LEASE_MS + 1)
  await carillon.drainJobs()
  expect(await outcomeFor('ada')).toMatchObject({
    status: 'CANCELLED',
    suppressionReason: 'event_cancelled',
    attempts: [{ outcome: 'UNKNOWN' }],
  })
  expect(mail.messages).toEqual([])
})
