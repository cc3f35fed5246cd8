import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Adapter, type DeliverResult, defineNotifier } from '../../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveriesOf, deliveryOf } from '../../support/deliveries.ts'
import { page, siren } from '../../support/notifiers.ts'
import { pushSubscription } from '../../support/push-subscription.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'
import { until } from '../../support/until.ts'

const temporary = { outcome: 'temporary', reason: 'busy' } as const

const ping = defineNotifier({
  key: 'ping',
  version: 1,
  payload: z.object({}),
  channels: ['push'],
  render: { push: () => ({ title: 'Ping', body: '' }) },
})

/** An adapter whose calls stay open until the test answers them, and how many were open at most. */
const held = (name: string) => {
  const answers: ((result: DeliverResult) => void)[] = []
  const seen = { open: 0, most: 0 }
  const adapter: Adapter = {
    name,
    deliver: () => {
      seen.open += 1
      seen.most = Math.max(seen.most, seen.open)
      return new Promise((resolve) =>
        answers.push((result) => {
          seen.open -= 1
          resolve(result)
        }),
      )
    },
  }
  /** Answers so many calls, one after the other. */
  const accept = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const answer = await until(`call ${index} of ${name} is open`, () => answers[index])
      answer({ outcome: 'accepted' })
    }
  }
  return { adapter, seen, accept }
}

const clock = new TestClock()
const opened: TestCarillon[] = []
afterAll(async () => {
  for (const one of opened) await one.close()
})
const start = async (
  adapters: Record<string, Adapter | readonly Adapter[]>,
  concurrencyPerAdapter: number,
): Promise<TestCarillon> => {
  const carried = { push: scripted('none-push'), pager: scripted('none-pager'), siren: scripted('none-siren') }
  const carillon = await startCarillon(
    { notifiers: [ping, page, siren], adapters: { ...carried, ...adapters }, defaults: { concurrencyPerAdapter } },
    { clock },
  )
  opened.push(carillon)
  return carillon
}
let count = 0
/** Someone with so many browsers. */
const readerWith = async (carillon: TestCarillon, devices: number): Promise<string> => {
  const recipientId = `reader-${count++}`
  for (let device = 0; device < devices; device++) {
    const input = { recipientId, channel: 'push', address: pushSubscription(`${recipientId}-${device}`) }
    const mutation = 'mutation ($input: AddressInput!) { registerAddress(input: $input) { __typename } }'
    await carillon.ok(carillon.backendKey, mutation, { input })
  }
  return recipientId
}
const send = async (carillon: TestCarillon, notificationKey: string, id = `reader-${count++}`): Promise<string> =>
  (await trigger(carillon, { notificationKey, payload: {}, recipients: [{ id }] })).event.id

test('one delivery to many addresses has no more calls open at once than its adapter takes', async () => {
  const { adapter, seen, accept } = held('push')
  const carillon = await start({ push: adapter }, 2)
  const eventId = await send(carillon, 'ping', await readerWith(carillon, 5))
  const drained = carillon.drainJobs()
  await accept(5)
  await drained
  expect((await deliveryOf(carillon, { eventId })).status).toBe('SUCCEEDED')
  expect(seen.most).toBe(2)
})

test('an adapter that is the second of two channels takes no more calls of both than it takes of one', async () => {
  const { adapter, seen, accept } = held('shared')
  const [first, other] = [scripted('first'), scripted('other')]
  first.next(temporary, temporary)
  other.next(temporary)
  const carillon = await start({ pager: [first, adapter], siren: [other, adapter] }, 1)
  await send(carillon, 'pager.call')
  await send(carillon, 'siren.call')
  const drained = carillon.drainJobs()
  await accept(3)
  await drained
  expect(seen.most).toBe(1)
})

test('the time that a call waits for a place is not taken off its time limit', async () => {
  let calls = 0
  const hanging: Adapter = {
    name: 'push',
    timeoutMs: 50,
    deliver: () => {
      calls += 1
      return new Promise(() => {})
    },
  }
  const carillon = await start({ push: hanging }, 1)
  const eventId = await send(carillon, 'ping', await readerWith(carillon, 3))
  await carillon.drainJobs()
  expect(calls).toBe(3)
  const { attempts } = await deliveryOf(carillon, { eventId })
  expect(attempts.map(({ reason }: GraphQLAnswer['data']) => reason)).toEqual(Array(3).fill('no answer within 50 ms'))
})

/** Ten failures, over nine seconds. */
const breakDown = async (carillon: TestCarillon): Promise<void> => {
  for (let call = 0; call < 10; call++) {
    await send(carillon, 'ping', await readerWith(carillon, 1))
    await carillon.drainJobs()
    clock.advance(1_000)
  }
}

test('a provider whose rest is over is tried out by one call, and the other addresses wait for what it says', async () => {
  const only = scripted('push', { retry: { firstDelay: '1h', maxDelay: '1h' } })
  const carillon = await start({ push: only }, 100)
  const recipientId = await readerWith(carillon, 3)
  only.next(...Array(10).fill({ ...temporary, retryAfterMs: 86_400_000 }))
  await breakDown(carillon)
  expect(only.calls).toHaveLength(10)
  clock.advance(10_000)
  const eventId = await send(carillon, 'ping', recipientId)
  await carillon.drainJobs()
  expect(only.calls).toHaveLength(11)

  const waits = await deliveryOf(carillon, { eventId })
  const nextAttemptAt = new Date(clock.now().getTime() + 1_000).toISOString()
  expect(waits).toMatchObject({ status: 'FAILED', waitingFor: 'breaker', nextAttemptAt })
  expect(waits.attempts.map(({ outcome }: GraphQLAnswer['data']) => outcome)).toEqual(['SUCCEEDED', 'FAILED', 'FAILED'])
  expect(waits.attempts[1]).toMatchObject({
    errorClass: 'temporary',
    reason: 'not called: it failed again and again, and is left alone for a while',
  })
  expect(waits.explanation.summary).toMatch(/^Waits until .*: its provider failed again and again/)
  expect(waits.explanation.timeline.at(-1)).toMatchObject({ event: 'retry_scheduled', detail: { reason: 'breaker' } })

  clock.advance(1_000)
  await carillon.drainJobs()
  expect(only.calls).toHaveLength(13)
  expect(await deliveryOf(carillon, { eventId })).toMatchObject({ status: 'SUCCEEDED', waitingFor: null })
})

test('a provider that is tried out and fails is asked nothing more, and no delivery is given up for it', async () => {
  const only = scripted('push', { retry: { attempts: 1 } })
  const carillon = await start({ push: only }, 100)
  const recipientId = await readerWith(carillon, 3)
  only.next(...Array(10).fill({ outcome: 'temporary' }))
  await breakDown(carillon)
  clock.advance(10_000)
  only.next(temporary)
  const eventId = await send(carillon, 'ping', recipientId)
  await carillon.drainJobs()
  expect(only.calls).toHaveLength(11)
  const [delivery] = await deliveriesOf(carillon, { eventId })
  expect(delivery).toMatchObject({ status: 'FAILED', waitingFor: 'retry' })
})
