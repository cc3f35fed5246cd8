import { createHash, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { idOfType } from '../../server/core/node-id.ts'
import { defineNotifier, type Recipient, secret } from '../../server/index.ts'
import { createSecretsSweep } from '../../server/operations/erase-secrets.ts'
import { createSealing } from '../../server/operations/sealing.ts'
import { tallyOf } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf, deliveryOf, standsOf } from '../support/deliveries.ts'
import { operate, tryOperate } from '../support/operator.ts'
import { report, takesEvents } from '../support/reports.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { simulate } from '../support/simulate.ts'
import { refusalOf, trigger as triggerOn, tryTrigger } from '../support/trigger.ts'
import { until } from '../support/until.ts'

const NOW = '2026-01-15T12:00:00.000Z'
const KEY = 'the-key-that-was-there-first-of-32-characters'
const CODE = 'hunter2'

/** What each function of the notifiers was given, latest last. */
let seen: { readonly by: string; readonly payload: unknown }[] = []
const note = (by: string, payload: unknown) => void seen.push({ by, payload: structuredClone(payload) })
const seenBy = (by: string) => seen.filter((one) => one.by === by).map(({ payload }) => payload)

const payload = z.object({
  text: z.string().default('hello'),
  via: z.array(z.enum(['in_app', 'email', 'sms'])).default(['in_app', 'email']),
  whom: z.array(z.string()).default([]),
  code: secret(z.string().min(3)),
  users: z.array(z.object({ name: z.string(), password: secret(z.string()).optional() })).default([]),
})

const reset = defineNotifier({
  key: 'password.reset',
  version: 1,
  payload,
  recipients: ({ payload }) => {
    note('recipients', payload)
    return payload.whom.map((id) => ({ id }))
  },
  channels: ({ payload }) => {
    note('channels', payload)
    return payload.via
  },
  render: {
    in_app: ({ payload }) => {
      note('in_app', payload)
      return { title: payload.text }
    },
    email: ({ payload }) => {
      note('email', payload)
      return { subject: 'Your code', html: '', text: payload.code }
    },
    sms: ({ payload }) => ({ text: payload.code }),
  },
})

/** As the code was, or becomes, when nothing of it is marked. */
const unmarked = defineNotifier({
  key: 'password.reset',
  version: 2,
  payload: z.object({ text: z.string().default('hello'), code: z.string().nullable() }),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload }) => ({ title: `${payload.code}` }),
    email: ({ payload }) => ({ subject: 'Your code', html: '', text: `${payload.code}` }),
  },
})

const mail = scripted('mail', { ...takesEvents, retry: { attempts: 2, firstDelay: '1s', maxDelay: '1s' } })
const phone = scripted('phone')
const clock = new TestClock(NOW)
const adapters = { email: mail, sms: phone }
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [reset], adapters }, { clock, secretKey: KEY })
})
const tally = tallyOf('S19')
afterAll(async () => {
  await carillon.close()
  tally.report()
})
afterEach(() => {
  seen = []
  clock.set(NOW)
})

/** Whom the deliveries of one test go to. */
const somebody = (): Recipient => {
  const id = randomUUID()
  return { id, email: `${id}@example.test`, phone: '+44 20 7946 0000' }
}

const trigger = (given: object = {}, input: Record<string, unknown> = {}) =>
  triggerOn(carillon, {
    notificationKey: 'password.reset',
    recipients: [somebody()],
    payload: { code: CODE, ...given },
    ...input,
  })

const rowOf = async (event: { id: string }) => {
  const { rows } = await carillon.sql.query(
    'select payload, has_secrets, sealed_payload, status from event where id = $1',
    [idOfType('Event', event.id)],
  )
  return rows[0]
}
const isSealed = async (event: { id: string }): Promise<boolean> => (await rowOf(event)).sealed_payload !== null
const textsTo = ({ id }: Recipient): unknown[] =>
  mail.calls.flatMap(({ recipient, content }) => (recipient.id === id ? [(content as { text: unknown }).text] : []))

const OPEN = { text: 'hello', via: ['in_app', 'email'], whom: [], code: CODE, users: [] }
const { code: _, ...CLOSED } = OPEN

test('a secret field is open to the e-mail alone: recipients, channels and the inbox do not have it', async () => {
  const users = [{ name: 'ada', password: 'open sesame' }, { name: 'bob' }]
  const { event } = await trigger({ users })
  await carillon.drainJobs()
  const closed = { ...CLOSED, users: [{ name: 'ada' }, { name: 'bob' }] }
  expect(seen).toEqual([
    { by: 'recipients', payload: closed },
    { by: 'channels', payload: closed },
    { by: 'in_app', payload: closed },
    { by: 'email', payload: { ...OPEN, users } },
  ])
  const open = { code: null, users: [{ name: 'ada', password: null }, { name: 'bob' }] }
  expect(event.payload).toEqual(open)
  expect((await rowOf(event)).payload).toEqual(open)
})

test('a simulation shows no function more than the trigger would', async () => {
  await simulate(carillon, { notificationKey: 'password.reset', payload: { code: CODE } })
  expect(seen.map(({ payload }) => payload)).toEqual([CLOSED, CLOSED, CLOSED])
})

test('a preview of an e-mail has what its caller gave, one of the inbox has not', async () => {
  const query = 'query ($input: PreviewRenderingInput!) { previewRendering(input: $input) { content } }'
  const preview = async (channel: string) => {
    const input = { notificationKey: 'password.reset', payload: { code: CODE }, recipient: { id: 'ada' }, channel }
    return (await carillon.ok(carillon.operatorKey, query, { input })).previewRendering.content
  }
  expect(await preview('email')).toMatchObject({ text: CODE })
  await preview('in_app')
  expect(seenBy('in_app')).toEqual([CLOSED])
})

test('the same request is recognised, and another secret is another request', async () => {
  const input = { idempotencyKey: randomUUID(), recipients: [somebody()] }
  const first = await trigger({}, input)
  expect(await trigger({}, input)).toMatchObject({ deduplicated: true, event: { id: first.event.id } })
  const other = { ...input, notificationKey: 'password.reset', payload: { code: 'hunter3' } }
  expect(refusalOf(await tryTrigger(carillon, other))).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
  await carillon.drainJobs()
  // Long after the secret itself is gone.
  expect(await trigger({}, input)).toMatchObject({ deduplicated: true })
  expect(refusalOf(await tryTrigger(carillon, other))).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
})

test('what marks a secret in the fingerprint takes the key to be made', () => {
  const [one, other] = ['a-secret-key', 'another-secret-key'].map((key) => createSealing(key))
  expect(one?.mark(CODE)).toBe(one?.mark(CODE))
  expect(one?.mark(CODE)).not.toBe(other?.mark(CODE))
})

test('what is sealed opens for its own event, with its own key, unchanged', () => {
  const sealing = createSealing('a-secret-key')
  const event = { tenantId: 'acme', id: randomUUID() }
  const secrets = [[['users', 0, 'password'], { any: ['JSON', 1, null, 'é'] }]] as const
  const sealed = sealing.seal(event, secrets)
  expect(sealing.open(event, sealed)).toEqual(secrets)
  expect(sealing.seal(event, secrets)).not.toEqual(sealed)
  expect(sealing.open({ ...event, id: randomUUID() }, sealed)).toBeNull()
  expect(sealing.open({ ...event, tenantId: 'other' }, sealed)).toBeNull()
  expect(createSealing('another-secret-key').open(event, sealed)).toBeNull()
  for (const [index, byte] of sealed.entries()) {
    const changed = Buffer.from(sealed)
    changed[index] = byte ^ 1
    tally.tried(`byte ${index} changed`, sealing.open(event, changed) !== null)
    tally.tried(`cut off at byte ${index}`, sealing.open(event, sealed.subarray(0, index)) !== null)
  }
})

test('one that is sent later, and one to a large audience, come to the e-mail whole and to the rest without', async () => {
  const ada = somebody()
  const { event: later } = await trigger({}, { recipients: [ada], sendAt: '2026-01-15T13:00:00.000Z' })
  expect([await isSealed(later), later.payload]).toEqual([true, { code: null }])
  const crowd = Array.from({ length: 1_001 }, (_, index) => `${ada.id}-${index}`)
  const bob = somebody()
  const { event: large } = await trigger({ whom: crowd }, { recipients: [bob] })
  seen = []
  clock.advance(3_600_000)
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual([CODE])
  expect(textsTo(bob)).toEqual([CODE])
  expect(seenBy('in_app')).toHaveLength(1_003)
  expect(JSON.stringify([seenBy('in_app'), seenBy('channels')])).not.toContain(CODE)
  expect(await isSealed(later)).toBe(false)
  // So many deliveries are not looked at whenever one of them has ended.
  expect(await isSealed(large)).toBe(true)
  await createSecretsSweep(carillon.app)()
  expect(await isSealed(large)).toBe(false)
})

test('of what goes to inboxes alone, or nowhere, the secret is never stored', async () => {
  const { event: inbox } = await trigger({ via: ['in_app'] })
  const { event: nowhere } = await trigger({}, { recipients: [{ id: randomUUID() }] })
  for (const event of [inbox, nowhere]) {
    expect(await rowOf(event)).toMatchObject({ payload: { code: null }, has_secrets: true, sealed_payload: null })
  }
})

test('a payload without any secret given stores none', async () => {
  const notifier = defineNotifier({
    key: 'optional',
    version: 1,
    payload: z.object({ code: secret(z.string()).optional() }),
    channels: ['email'],
    render: { email: ({ payload }) => ({ subject: 'S', html: '', text: `${payload.code}` }) },
  })
  const other = await startCarillon({ notifiers: [notifier], adapters: { email: mail } })
  const ada = somebody()
  await triggerOn(other, { notificationKey: 'optional', payload: {}, recipients: [ada] })
  const { rows } = await other.sql.query('select payload, has_secrets, sealed_payload from event')
  expect(rows).toEqual([{ payload: {}, has_secrets: false, sealed_payload: null }])
  await other.drainJobs()
  expect(textsTo(ada)).toEqual(['undefined'])
  await other.close()
})

test('the secret is erased when the last delivery has been sent, and not before', async () => {
  const ada = somebody()
  mail.next({ outcome: 'temporary' })
  const { event } = await trigger({ via: ['email', 'sms'] }, { recipients: [ada] })
  await carillon.drainJobs()
  expect(await standsOf(carillon, { recipientId: ada.id })).toEqual(['email FAILED', 'sms SUCCEEDED'])
  expect(await isSealed(event)).toBe(true)
  clock.advance(60_000)
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual([CODE, CODE])
  expect(await isSealed(event)).toBe(false)
})

test('sending does not wait for whoever holds the event: its secret is left to the sweep', async () => {
  const { event } = await trigger({ via: ['email'] })
  const holder = await carillon.sql.connect()
  try {
    await holder.query('begin')
    await holder.query('select 1 from event where id = $1 for share', [idOfType('Event', event.id)])
    await carillon.drainJobs()
    expect(await isSealed(event)).toBe(true)
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  await createSecretsSweep(carillon.app)()
  expect(await isSealed(event)).toBe(false)
})

/** An e-mail's delivery, and its event. */
const mailed = async (ada: Recipient) => {
  const { event } = await trigger({ via: ['email'] }, { recipients: [ada] })
  return { event, deliveryId: (await deliveryOf(carillon, { recipientId: ada.id })).id }
}

test('it is erased when a provider reports the end of the last delivery', async () => {
  const ada = somebody()
  mail.next({ outcome: 'temporary' })
  const { event, deliveryId } = await mailed(ada)
  await carillon.drainJobs()
  expect([await standsOf(carillon, { recipientId: ada.id }), await isSealed(event)]).toEqual([['email FAILED'], true])
  await report(carillon, 'mail', [{ status: 'delivered', deliveryId }])
  await carillon.drainJobs()
  expect(await standsOf(carillon, { recipientId: ada.id })).toEqual(['email SUCCEEDED'])
  expect(await isSealed(event)).toBe(false)
})

test('what a report could not erase is erased when the call that it has overtaken ends', async () => {
  const ada = somebody()
  let answer: ((result: unknown) => void) | undefined
  mail.next(
    () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  )
  const { event, deliveryId } = await mailed(ada)
  const drained = carillon.drainJobs()
  await until('the call is open', () => answer !== undefined)
  const holder = await carillon.sql.connect()
  let other: Promise<unknown> | undefined
  try {
    await holder.query('begin')
    await holder.query('select 1 from event where id = $1 for share', [idOfType('Event', event.id)])
    await report(carillon, 'mail', [{ status: 'bounced', deliveryId }])
    const ended = carillon.app.telemetry.once('delivery.settled', ({ status }) => status === 'cancelled')
    other = carillon.drainJobs()
    await ended
    expect(await isSealed(event)).toBe(true)
    await holder.query('rollback')
  } finally {
    holder.release()
    answer?.({ outcome: 'temporary' })
    await Promise.all([drained, other])
  }
  expect(await standsOf(carillon, { recipientId: ada.id })).toEqual(['email bounced'])
  expect(await isSealed(event)).toBe(false)
})

test('it is erased when planning has ended and nothing is to be sent, however many that was for', async () => {
  const recipients = Array.from({ length: 201 }, () => ({ id: randomUUID() }))
  const { event } = await trigger({ via: ['email'] }, { recipients, sendAt: '2026-01-15T13:00:00.000Z' })
  expect(await isSealed(event)).toBe(true)
  clock.advance(3_600_000)
  await carillon.drainJobs()
  expect(await rowOf(event)).toMatchObject({ status: 'planned', sealed_payload: null })
})

const CANCEL =
  'mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { cancelledCount event { payload } } }'

test('it is erased where nothing is to be sent any more: given up, suppressed, cancelled, or its event cancelled', async () => {
  mail.next({ outcome: 'permanent' })
  const { event: givenUp } = await trigger()
  await carillon.drainJobs()
  const { event: expired } = await trigger({}, { expiresAt: '2026-01-15T12:30:00.000Z' })
  clock.advance(3_600_000)
  await carillon.drainJobs()
  const ada = somebody()
  const { event: cancelled } = await trigger({}, { recipients: [ada] })
  const { id } = await deliveryOf(carillon, { recipientId: ada.id, channel: 'email' })
  await operate(carillon, 'cancel', id)
  const { event: stopped } = await trigger()
  const { event: scheduled } = await trigger({}, { sendAt: '2026-01-16T12:00:00.000Z' })
  for (const { id: eventId } of [stopped, scheduled]) {
    const { cancelEvent } = await carillon.ok(carillon.backendKey, CANCEL, { input: { eventId } })
    expect(cancelEvent.event.payload).toEqual({ code: null })
  }
  const sealed = await Promise.all([givenUp, expired, cancelled, stopped, scheduled].map(isSealed))
  expect(sealed).toEqual([false, false, false, false, false])
})

/** What so many sweeps in a row have erased, each. */
const sweeps = async (count: number, bounds: { events: number; recipients: number }): Promise<number[]> => {
  const sweep = createSecretsSweep(carillon.app, bounds)
  const erased: number[] = []
  for (let index = 0; index < count; index++) erased.push(await sweep())
  return erased
}
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

test('what was missed is found by the sweep, a few at a time, and what is still needed is left', async () => {
  const ada = somebody()
  const events = []
  for (let index = 0; index < 5; index++) events.push((await trigger({}, { recipients: [ada] })).event)
  const [first, ...others] = await deliveriesOf(carillon, { recipientId: ada.id, channel: 'email' })
  for (const { id } of others) await operate(carillon, 'cancel', id)
  // As a process leaves them that dies before it has erased anything.
  await carillon.sql.query(String.raw`update event set sealed_payload = '\x00' where id = any($1)`, [
    events.slice(1).map(({ id }) => idOfType('Event', id)),
  ])
  // Begun in the midst of what others have left, it comes round again.
  const erased = await sweeps(20, { events: 2, recipients: 1_000 })
  // At a minute's end the server sweeps, too.
  expect([Math.max(...erased) <= 2, sum(erased) <= 4]).toEqual([true, true])
  expect(await Promise.all(events.map(isSealed))).toEqual([true, false, false, false, false])
  await operate(carillon, 'cancel', first.id)
  expect(await isSealed(events[0])).toBe(false)
})

test('a sweep looks at one event with many recipients, and leaves the next to the next one', async () => {
  const recipients = [somebody(), somebody(), somebody()]
  const events = []
  for (let index = 0; index < 2; index++) events.push((await trigger({ via: ['email'] }, { recipients })).event)
  await carillon.drainJobs()
  await carillon.sql.query(String.raw`update event set sealed_payload = '\x00' where id = any($1)`, [
    events.map(({ id }) => idOfType('Event', id)),
  ])
  const erased = await sweeps(20, { events: 100, recipients: 1 })
  expect([Math.max(...erased) <= 1, sum(erased) <= 2]).toEqual([true, true])
  expect(await Promise.all(events.map(isSealed))).toEqual([false, false])
})

test('a delivery whose secret is erased cannot be tried again, and says why', async () => {
  const ada = somebody()
  mail.next({ outcome: 'permanent' })
  await trigger({}, { recipients: [ada] })
  await carillon.drainJobs()
  const { id } = await deliveryOf(carillon, { recipientId: ada.id, channel: 'email' })
  const { errors } = await tryOperate(carillon, 'retry', id)
  expect(errors.map(({ message, extensions }) => [extensions['code'], message])).toEqual([
    ['INVALID_STATE', 'Cannot retry this delivery: it cannot be rendered any more: its secret fields have been erased'],
  ])
})

test('a delivery whose event still waits for another can be tried again, with its secret', async () => {
  const ada = somebody()
  mail.next({ outcome: 'permanent' })
  phone.next({ outcome: 'temporary' })
  await trigger({ via: ['email', 'sms'] }, { recipients: [ada] })
  await carillon.drainJobs()
  const { id } = await deliveryOf(carillon, { recipientId: ada.id, channel: 'email' })
  await operate(carillon, 'retry', id)
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual([CODE, CODE])
  clock.advance(3_600_000)
  await carillon.drainJobs()
})

test('where the secret is gone too soon, the inbox gets its part and the e-mail fails and says so', async () => {
  const ada = somebody()
  const { event } = await trigger({}, { recipients: [ada], sendAt: '2026-01-15T13:00:00.000Z' })
  await carillon.sql.query('update event set sealed_payload = null where id = $1', [idOfType('Event', event.id)])
  seen = []
  clock.advance(3_600_000)
  await carillon.drainJobs()
  expect(seenBy('in_app')).toEqual([CLOSED])
  const deliveries = await deliveriesOf(carillon, { recipientId: ada.id })
  expect(deliveries.map(({ channel, status, attempts }) => [channel, status, attempts.at(-1)?.reason])).toEqual([
    ['email', 'FAILED', 'Notifier "password.reset": render.email cannot be called: its secret fields have been erased'],
    ['in_app', 'SUCCEEDED', null],
  ])
  expect(textsTo(ada)).toEqual([])
  await operate(carillon, 'cancel', deliveries[0].id)
})

test('a server with another key plans what needs no secret, and opens none', async () => {
  const ada = somebody()
  await trigger({}, { recipients: [ada], sendAt: '2026-01-15T13:00:00.000Z' })
  const { databaseUrl } = carillon
  const other = await startCarillon(
    { notifiers: [reset], adapters },
    { databaseUrl, clock, secretKey: 'another-secret-key-of-32-characters!' },
  )
  clock.advance(3_600_000)
  await other.drainJobs()
  await other.close()
  const [email, inbox] = await deliveriesOf(carillon, { recipientId: ada.id })
  expect(inbox.status).toBe('SUCCEEDED')
  expect(email.attempts[0]).toMatchObject({
    errorClass: 'render_failed',
    reason:
      'Notifier "password.reset": render.email cannot be called: its secret fields cannot be opened with this server\'s key',
  })
  // The key's own server goes on with it.
  clock.advance(3_600_000)
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual([CODE])
})

test('code that does not mark a field any more does not get what was sealed into an inbox', async () => {
  const ada = somebody()
  await trigger({}, { recipients: [ada], sendAt: '2026-01-15T13:00:00.000Z' })
  const { databaseUrl } = carillon
  const other = await startCarillon({ notifiers: [unmarked], adapters }, { databaseUrl, clock, secretKey: KEY })
  clock.advance(3_600_000)
  await other.drainJobs()
  await other.close()
  const { rows } = await carillon.sql.query('select content from notification where recipient_id = $1', [ada.id])
  expect(rows).toEqual([{ content: { title: 'null' } }])
  expect(textsTo(ada)).toEqual([CODE])
})

/** All that is stored, as text and as the bytes that it is. */
const everyRow = async (): Promise<string> => {
  const { rows: tables } = await carillon.sql.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`,
  )
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await carillon.sql.query<{ row: string }>(`select t::text as row from "${name}" t`)
      return rows.map(({ row }) => row).join('\n')
    }),
  )
  return texts.join('\n')
}

test('whoever reads the whole database reads no secret, in no spelling, and no key', async () => {
  const code = 'rosebud-4711'
  await trigger({ code }, { sendAt: '2026-01-15T13:00:00.000Z' })
  const token = await carillon.tokenFor('ada')
  const stored = await everyRow()
  const bytes = Buffer.from(code)
  for (const [what, text] of [
    ['the secret', code],
    ['the secret in hexadecimal', bytes.toString('hex')],
    ['the secret in base64', bytes.toString('base64').slice(0, -2)],
    ['its hash', createHash('sha256').update(code).digest('hex')],
    ['its hash as JSON', createHash('sha256').update(JSON.stringify(code)).digest('hex')],
    ['an API key', carillon.operatorKey],
    ['an API key in hexadecimal', Buffer.from(carillon.operatorKey).toString('hex')],
    ['a token', token],
    ['the key that all is sealed with', KEY],
    ['that key in hexadecimal', Buffer.from(KEY).toString('hex')],
  ] as const)
    tally.tried(what, stored.includes(text))
  // What is looked for is found where it is: the hash of a key is there.
  expect(stored).toContain(createHash('sha256').update(carillon.operatorKey).digest('hex'))
  clock.advance(3_600_000)
  await carillon.drainJobs()
})

const NEW_KEY = 'the-key-that-came-after-it-of-32-characters'

/** A server of the same database after the key was changed, knowing the earlier one or not. */
const afterChange = (earlierSecretKeys: readonly string[]) =>
  startCarillon(
    { notifiers: [reset], adapters },
    { databaseUrl: carillon.databaseUrl, clock, secretKey: NEW_KEY, earlierSecretKeys },
  )

test('once the key was changed, what the earlier one has made is good where that is known, and else is not', async () => {
  const ada = somebody()
  const input = { idempotencyKey: randomUUID(), recipients: [ada], sendAt: '2026-01-15T13:00:00.000Z' }
  const { event } = await trigger({}, input)
  const token = await carillon.tokenFor(ada.id)
  const viewer = '{ viewer { recipientId } }'

  const stranger = await afterChange(['a-key-that-nobody-ever-had-of-32-characters'])
  tally.tried('a token by a key that is not known', (await stranger.ask(token, viewer)).status !== 401)
  const repeat = { ...input, notificationKey: 'password.reset', payload: { code: CODE } }
  tally.tried(
    'a repeat by a key that is not known',
    refusalOf(await tryTrigger(stranger, repeat)).code !== 'IDEMPOTENCY_CONFLICT',
  )
  await stranger.close()

  const heir = await afterChange([KEY])
  expect((await heir.ok(token, viewer)).viewer).toEqual({ recipientId: ada.id })
  expect(await triggerOn(heir, repeat)).toMatchObject({ deduplicated: true, event: { id: event.id } })
  const other = { ...repeat, payload: { code: 'hunter3' } }
  tally.tried(
    'another secret under the same key',
    refusalOf(await tryTrigger(heir, other)).code !== 'IDEMPOTENCY_CONFLICT',
  )
  // What is made now is made with the new key alone.
  const made = await heir.tokenFor(ada.id)
  tally.tried('a token of the new key at whoever has the old one', (await carillon.ask(made, viewer)).status !== 401)
  clock.advance(3_600_000)
  await heir.drainJobs()
  expect(textsTo(ada)).toEqual([CODE])
  await heir.close()
})

test('an address that has it is not written to again because the key was changed', async () => {
  const id = randomUUID()
  const ada = { id, email: `${id}@example.test`, addresses: [{ channel: 'email', address: `${id}@work.example.test` }] }
  mail.next({ outcome: 'accepted' }, { outcome: 'temporary' })
  await trigger({ via: ['email'] }, { recipients: [ada] })
  await carillon.drainJobs()
  const heir = await afterChange([KEY])
  clock.advance(3_600_000)
  await heir.drainJobs()
  await heir.close()
  const addresses = mail.calls.flatMap((call) => (call.recipient.id === id ? [call.address] : []))
  const [first, again] = [ada.email, `${id}@work.example.test`].sort(
    (one, other) => addresses.filter((at) => at === one).length - addresses.filter((at) => at === other).length,
  )
  tally.tried('an address that has it', addresses.filter((at) => at === first).length > 1)
  expect(addresses.filter((at) => at === again)).toHaveLength(2)
  expect(await standsOf(carillon, { recipientId: id })).toEqual(['email SUCCEEDED'])
})
