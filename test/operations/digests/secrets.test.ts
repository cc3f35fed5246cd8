import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { idOfType } from '../../../server/core/node-id.ts'
import { defineNotifier, secret } from '../../../server/index.ts'
import { createSecretsSweep } from '../../../server/operations/erase-secrets.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { bucketOf, somebody } from '../../support/digests.ts'
import { operate, tryOperate } from '../../support/operator.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { setPolicy } from '../../support/settings.ts'
import { refusalOf, trigger } from '../../support/trigger.ts'

let seen: { readonly by: string; readonly codes: unknown[] }[] = []

const payload = z.object({ code: secret(z.string()), text: z.string().default('hello') })
const mail = (text: string) => ({ subject: 'Codes', html: '', text })

/** Held on both channels; each digest notes what it was given. */
const codes = defineNotifier({
  key: 'codes',
  version: 1,
  payload,
  channels: ['email', 'in_app'],
  render: { email: ({ payload }) => mail(payload.code), in_app: ({ payload }) => ({ title: payload.text }) },
  digest: {
    in_app: {},
    email: {
      key: ({ payload }) => {
        seen.push({ by: 'key', codes: [payload.code] })
        return 'all'
      },
    },
  },
  renderDigest: {
    email: ({ items }) => {
      seen.push({ by: 'email', codes: items.map(({ payload }) => payload.code) })
      return mail(items.map(({ payload }) => payload.code).join(' '))
    },
    in_app: ({ items }) => {
      seen.push({ by: 'in_app', codes: items.map(({ payload }) => payload.code) })
      return { title: `${items.length} codes` }
    },
  },
})
/** Without a template of its own for digests. */
const plain = defineNotifier({
  key: 'plain-codes',
  version: 1,
  payload,
  channels: ['email'],
  render: { email: ({ payload }) => ({ ...mail(payload.code), subject: payload.code }) },
  digest: { email: {} },
})

const hourly = { version: 1, groupBy: 'notification_key', window: { kind: 'fixed', minutes: 60 } } as const

const clock = new TestClock()
const email = scripted('email', { retry: { attempts: 2, firstDelay: '60s', maxDelay: '60s' } })
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(
    {
      notifiers: [codes, plain],
      adapters: { email },
      digestRules: [
        { ...hourly, key: 'mail', channel: 'email' },
        { ...hourly, key: 'inbox', channel: 'in_app' },
      ],
    },
    { clock },
  )
})
afterAll(() => carillon.close())
beforeEach(() => {
  seen = []
  clock.set('2026-01-15T12:00:00.000Z')
})

const send = async (recipientId: string, code: string, notificationKey = 'codes'): Promise<string> => {
  const recipients = [{ id: recipientId, email: `${recipientId}@example.test` }]
  return (await trigger(carillon, { notificationKey, payload: { code }, recipients })).event.id
}

const closeWindows = async (): Promise<void> => {
  clock.set('2026-01-15T13:00:00.000Z')
  await carillon.drainJobs()
}

const textsTo = (id: string): unknown[] =>
  email.calls.filter(({ recipient }) => recipient.id === id).map(({ content }) => (content as { text: string }).text)

const areSealed = async (events: readonly string[]): Promise<boolean[]> => {
  const ids = events.map((event) => idOfType('Event', event))
  const { rows } = await carillon.sql.query<{ sealed: boolean }>(
    'select sealed_payload is not null as sealed from event where id = any($1::uuid[]) order by id',
    [ids],
  )
  return rows.map(({ sealed }) => sealed)
}

test("an e-mail's digest sees what is secret, an inbox's does not, nor does a digest key; then it is erased", async () => {
  const ada = somebody()
  const events = [await send(ada, 'hunter2'), await send(ada, 'swordfish')]
  expect(await areSealed(events)).toEqual([true, true])
  await closeWindows()
  expect(textsTo(ada)).toEqual(['hunter2 swordfish'])
  expect(seen.map(({ by, codes }) => [by, codes.filter((code) => code !== undefined)]).sort()).toEqual([
    ['email', ['hunter2', 'swordfish']],
    ['in_app', []],
    ['key', []],
    ['key', []],
  ])
  await createSecretsSweep(carillon.app)()
  expect(await areSealed(events)).toEqual([false, false])
})

test('a digest made of its members own content sees what is secret, too', async () => {
  const ada = somebody()
  const events = [await send(ada, 'hunter2', 'plain-codes'), await send(ada, 'swordfish', 'plain-codes')]
  await closeWindows()
  expect(textsTo(ada)).toEqual(['- hunter2\n- swordfish'])
  expect(await areSealed(events)).toEqual([false, false])
})

test('nothing is erased that a digest has yet to say: while it waits, and while it is tried again', async () => {
  const ada = somebody()
  await setPolicy(carillon, ada, {
    timeZone: 'UTC',
    quietHours: [{ start: '12:30', end: '14:00', channels: ['email'] }],
  })
  const events = [await send(ada, 'hunter2', 'plain-codes')]
  await closeWindows()
  await createSecretsSweep(carillon.app)()
  expect(await areSealed(events)).toEqual([true])
  email.next({ outcome: 'temporary' })
  clock.set('2026-01-15T14:00:00.000Z')
  await carillon.drainJobs()
  await createSecretsSweep(carillon.app)()
  clock.set('2026-01-15T14:05:00.000Z')
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual(['hunter2', 'hunter2'])
  await createSecretsSweep(carillon.app)()
  expect(await areSealed(events)).toEqual([false])
})

test('a digest whose members secrets have been erased cannot be tried again; one that waits can', async () => {
  const ada = somebody()
  const events = [await send(ada, 'hunter2', 'plain-codes')]
  email.next({ outcome: 'temporary' }, { outcome: 'temporary' })
  await closeWindows()
  const { digestDelivery } = await bucketOf(carillon, ada)
  expect(await operate(carillon, 'retry', digestDelivery.id)).toMatchObject({ status: 'PENDING' })
  await carillon.drainJobs()
  clock.set('2026-01-15T13:05:00.000Z')
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual(['hunter2', 'hunter2', 'hunter2'])

  const eve = somebody()
  await send(eve, 'swordfish', 'plain-codes')
  email.next({ outcome: 'permanent' })
  clock.set('2026-01-15T14:00:00.000Z')
  await carillon.drainJobs()
  const refused = await bucketOf(carillon, eve)
  expect(refusalOf(await tryOperate(carillon, 'retry', refused.digestDelivery.id)).code).toBe('INVALID_STATE')
  expect(await areSealed(events)).toEqual([false])
})

test('no error of a digest quotes what is secret', async () => {
  const ada = somebody()
  await send(ada, 'hunter2')
  email.next({ outcome: 'permanent', reason: 'no hunter2 here' })
  await closeWindows()
  const { rows } = await carillon.sql.query<{ reason: string }>(
    `select a.reason from delivery_attempt a join delivery v on v.id = a.delivery_id where v.recipient_id = $1 and v.channel = 'email'`,
    [ada],
  )
  expect(rows).toHaveLength(1)
  expect(JSON.stringify(rows)).not.toContain('hunter2')
})
