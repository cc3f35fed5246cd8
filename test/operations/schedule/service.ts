import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import {
  type Adapter,
  type CarillonConfig,
  type DeliverResult,
  defineConfig,
  defineNotifier,
} from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { mention, page, teamNews } from '../../support/notifiers.ts'
import { trigger as triggerOn } from '../../support/trigger.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** What the providers do with a message to somebody; they accept it where nothing is said here. */
export const answers = new Map<string, object | (() => Promise<unknown>)>()
const calls: string[] = []
export const provider = (name: string): Adapter => ({
  name,
  retry: { firstDelay: '1m', maxDelay: '1m' },
  async deliver({ recipient: { id } }) {
    calls.push(id)
    const answer = answers.get(id) ?? { outcome: 'accepted' }
    return (await (typeof answer === 'function' ? answer() : answer)) as DeliverResult
  },
})

const bulletin = (version: number) =>
  defineNotifier({
    key: 'bulletin',
    version,
    payload: z.object({}),
    channels: version === 1 ? ['in_app'] : ['in_app', 'pager'],
    render: {
      in_app: ({ recipient }) => ({ title: `v${version} for ${recipient.displayName}` }),
      pager: () => ({}),
    },
  })
export const configOf = (version: number): CarillonConfig =>
  defineConfig({
    notifiers: [mention, page, teamNews, bulletin(version)],
    adapters: { email: provider('mail'), pager: provider('pager') },
  })

export const clock = new TestClock('2026-03-01T12:00:00.000Z')
export let carillon: TestCarillon
/** A server on the same database with newer code. */
export let newer: TestCarillon
/** Both of them, for one file of tests. */
export const open = async (): Promise<void> => {
  carillon = await startCarillon(configOf(1), { clock })
  newer = await startCarillon(configOf(2), { clock, databaseUrl: carillon.databaseUrl })
}
export const close = async (): Promise<void> => {
  await newer.close()
  await carillon.close()
}
/** It is noon whenever a test begins, and what one leaves to be sent is no other's. */
export const untilNoon = async (): Promise<void> => {
  answers.clear()
  const tomorrow = new Date(clock.now().getTime() + 24 * HOUR).toISOString().slice(0, 10)
  clock.set(`${tomorrow}T12:00:00.000Z`)
  await carillon.drainJobs()
}

export const inMs = (ms: number): string => new Date(clock.now().getTime() + ms).toISOString()
export const CALL = { notificationKey: 'pager.call', payload: {} }
export const trigger = async (input: object): Promise<{ id: string; status: string; recipientCount: number }> =>
  (await triggerOn(carillon, { ...CALL, ...input })).event
export const someone = (): string => randomUUID()
export const callsTo = (id: string): number => calls.filter((to) => to === id).length

export const eventOf = async (id: string) => {
  const query = `query ($id: ID!) { event(id: $id) { status sendAt expiresAt recipientCount plannedRecipientCount failedRecipientCount
    notifications { edges { node { recipientId } } } deliveries { edges { node { channel } } } } }`
  const { notifications, deliveries, ...event } = (await carillon.ok(carillon.backendKey, query, { id })).event
  return { ...event, notifications: notifications.edges.length, deliveries: deliveries.edges.length }
}
export const cancel = async (eventId: string) =>
  (
    await carillon.ok(
      carillon.backendKey,
      'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount tooLateCount event { status } } }',
      { id: eventId },
    )
  ).cancelEvent
export const leftOf = async () => {
  const { rows } = await carillon.sql.query(
    'select (select count(*)::int from due) as due, (select count(*)::int from event_recipient) as audience',
  )
  return rows[0]
}
export const NOTHING_LEFT = { due: 0, audience: 0 }

/** An answer that a provider gives when the test says so. */
export const inHand = (id: string) => {
  let answer: (result: unknown) => void = () => {}
  const called = new Promise<void>((resolve) => {
    answers.set(id, () => {
      resolve()
      return new Promise((given) => {
        answer = given
      })
    })
  })
  return { called, answer: (result: unknown) => answer(result) }
}
