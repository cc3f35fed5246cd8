import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier, secret } from '../../server/index.ts'
import { logTelemetry } from '../../server/logging.ts'
import { createTelemetry, type Moments, type Telemetry } from '../../server/telemetry.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf } from '../support/deliveries.ts'
import { type Act, scripted } from '../support/scripted-adapter.ts'
import { TRIGGER, triggerInput } from '../support/trigger.ts'
import { everyTestCounts } from './tally.ts'

everyTestCounts('S18')

/** In every secret field there is, each in a form of its own; nobody but the e-mail may have them. */
const CANARIES = {
  code: 'tweety-Zq7Xw1',
  pin: 730_192_846_501,
  nested: 'tweety-Kp4"Vt&9',
  name: 'tweetyNameRm2',
  item: 'tweety Jd5 Hs8',
}
const MARKS = ['tweety', '730192846501']

/** Where a text has one, with what stands around the first of each. */
const canariesIn = (text: string): readonly string[] => {
  const lower = text.toLowerCase()
  return MARKS.map((mark) => lower.indexOf(mark))
    .filter((at) => at !== -1)
    .map((at) => text.slice(Math.max(0, at - 120), at + 80))
}

const payload = z
  .object({
    text: z.string().default('hello'),
    fail: z.enum(['nowhere', 'email', 'contract', 'in_app', 'schema']).default('nowhere'),
    code: secret(z.string().max(40)),
    pin: secret(z.number().multipleOf(1)).optional(),
    nested: z.object({ token: secret(z.record(z.string(), z.string())), kind: z.string().default('k') }).optional(),
    list: z.array(secret(z.string())).optional(),
  })
  // A host's own words, which quote what they are about and more.
  .superRefine(({ text, code }, { addIssue }) => {
    if (text === 'bad') addIssue({ code: 'custom', path: ['text'], message: `text does not go with ${code}` })
    if (text === 'throws') throw new Error(`no such code ${code}`)
  })

const reset = defineNotifier({
  key: 'password.reset',
  version: 1,
  payload,
  channels: ['in_app', 'email', 'sms'],
  render: {
    in_app: ({ payload }) => {
      if (payload.fail === 'in_app') throw new Error(`cannot show ${JSON.stringify(payload)}`)
      // Whatever it does with all that it has.
      return { title: payload.text, data: { all: JSON.stringify(payload), code: payload.code ?? null } }
    },
    email: ({ payload }) => {
      if (payload.fail === 'email') throw new TypeError(`cannot write\n    at ${JSON.stringify(payload)}`)
      if (payload.fail === 'contract') return { subject: 'S', html: '', text: 7, [payload.code]: payload.code } as never
      return { subject: `Code ${payload.code}`, html: '', text: JSON.stringify(payload) }
    },
    sms: ({ payload }) => ({ text: payload.code.toUpperCase() }),
  },
})

const answers: string[] = []
let logged = ''
const moments: unknown[] = []
const clock = new TestClock()
const mail = scripted('mail', { retry: { attempts: 3, firstDelay: '1s', maxDelay: '1s' } })
const phone = scripted('phone')
let carillon: TestCarillon
let fetched: typeof fetch

/** A telemetry that keeps every moment as whoever listens sees it, errors to the bottom of their causes. */
const recorded = (): Telemetry => {
  const telemetry = createTelemetry()
  const plain = (_: string, value: unknown) =>
    value instanceof Error ? { ...value, m: value.message, s: value.stack, c: value.cause } : value
  const emit = <Name extends keyof Moments>(name: Name, moment: Moments[Name]) => {
    moments.push(JSON.stringify([name, moment], plain))
    telemetry.emit(name, moment)
  }
  return { ...telemetry, emit }
}

beforeAll(async () => {
  const telemetry = recorded()
  const sink = new Writable({
    write: (chunk, _, done) => {
      logged += chunk
      done()
    },
  })
  logTelemetry(telemetry, pino({ level: 'trace' }, sink))
  carillon = await startCarillon({ notifiers: [reset], adapters: { email: mail, sms: phone } }, { clock, telemetry })
  // Every answer, whoever asks.
  fetched = globalThis.fetch
  globalThis.fetch = async (...given) => {
    const response = await fetched(...given)
    answers.push(await response.clone().text())
    return response
  }
})
afterAll(async () => {
  globalThis.fetch = fetched
  await carillon.close()
})

/** Everything that is stored, table by table, as text. */
const tables = async (): Promise<string> => {
  const { rows } = await carillon.sql.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`,
  )
  const parts = rows.map(async ({ name }) => {
    const { rows } = await carillon.sql.query<{ row: string }>(`select t::text as row from "${name}" t`)
    return rows.map(({ row }) => `${name}: ${row}`)
  })
  return (await Promise.all(parts)).flat().join('\n')
}

const GIVEN = {
  code: CANARIES.code,
  pin: CANARIES.pin,
  nested: { token: { [CANARIES.name]: CANARIES.nested } },
  list: [CANARIES.item],
}

let number = 0
const input = (change: object = {}, request: Record<string, unknown> = {}) => {
  number += 1
  const id = `r${number}`
  return triggerInput({
    notificationKey: 'password.reset',
    recipients: [{ id, email: `${id}@example.test`, phone: '+44 20 7946 0000' }],
    payload: { ...GIVEN, ...change },
    ...request,
  })
}
const ask = (change?: object, request?: Record<string, unknown>): Promise<GraphQLAnswer> =>
  carillon.ask(carillon.backendKey, TRIGGER, { input: input(change, request) })

/** Nobody has heard a canary who must not, and what was done was done. */
const quiet = async (): Promise<void> => {
  // Every table, in the midst of the work as well.
  expect(canariesIn(await tables())).toEqual([])
  await carillon.drainJobs()
  for (const { id } of (await deliveriesOf(carillon, {})).slice(-6)) {
    const query =
      'query ($id: ID!) { node(id: $id) { ... on Delivery { explanation { summary decisions { facts } timeline { detail } } } } }'
    await carillon.ok(carillon.operatorKey, query, { id })
  }
  expect(canariesIn(await tables())).toEqual([])
  expect(canariesIn(logged)).toEqual([])
  expect(canariesIn(moments.join('\n'))).toEqual([])
  expect(canariesIn(answers.join('\n'))).toEqual([])
  expect(answers.length).toBeGreaterThan(0)
}

test('the e-mail has all of them: what is looked for elsewhere is really there', async () => {
  expect((await ask()).errors).toEqual([])
  await quiet()
  const [message] = mail.calls
  const content = message?.content as { readonly text: string } | undefined
  expect(JSON.parse(content?.text ?? '')).toMatchObject(GIVEN)
  expect(canariesIn(JSON.stringify(content))).not.toEqual([])
  expect(canariesIn(JSON.stringify({ ...message, content: null }))).toEqual([])
})

test('none is seen of a repeat, a conflict, a batch, a schedule and a large audience', async () => {
  const request = input()
  for (const payload of [GIVEN, GIVEN, { ...GIVEN, code: 'tweety-other' }]) {
    await carillon.ask(carillon.backendKey, TRIGGER, { input: { ...request, payload } })
  }
  const batch = `mutation ($input: TriggerBatchInput!) {
    triggerBatch(input: $input) { results { error { message issues } trigger { event { payload } } } }
  }`
  const { errors } = await carillon.ask(carillon.backendKey, batch, {
    input: { triggers: [input(), input({ text: 'bad' }), input({ code: 7 })] },
  })
  expect(errors.map(({ message }) => message)).toEqual([])
  const sendAt = new Date(clock.now().getTime() + 60_000).toISOString()
  expect((await ask({}, { sendAt })).data.trigger.event.status).toBe('SCHEDULED')
  const crowd = Array.from({ length: 600 }, (_, index) => `crowd-${index}`)
  for (const part of [crowd.slice(0, 500), crowd.slice(500)]) {
    const subscribe = 'mutation ($input: TopicSubscriptionInput!) { subscribeToTopic(input: $input) { topic { id } } }'
    await carillon.ok(carillon.backendKey, subscribe, { input: { topicKey: 'crowd', recipientIds: part } })
  }
  const many = Array.from({ length: 600 }, (_, index) => ({ id: `many-${index}` }))
  const { data } = await ask({}, { topics: ['crowd'], recipients: many })
  expect(data.trigger.event.status).toBe('PLANNING')
  clock.advance(60_000)
  await quiet()
})

test.each(['email', 'contract', 'in_app'])('none is seen where the notifier fails: %s', async (fail) => {
  await ask({ fail })
  await quiet()
  // Planned by a job, its failures are recorded instead of answered.
  const sendAt = new Date(clock.now().getTime() + 60_000).toISOString()
  await ask({ fail }, { sendAt })
  for (let round = 0; round < 9; round++) {
    clock.advance(3_600_000)
    await carillon.drainJobs()
  }
  await quiet()
})

const QUOTES: readonly [string, (content: string) => Act][] = [
  ['answers temporary', (content) => ({ outcome: 'temporary', reason: `refused: ${content}` })],
  ['answers permanent', (content) => ({ outcome: 'permanent', reason: content })],
  ['answers bounced', (content) => ({ outcome: 'bounced', reason: content.slice(0, 200) })],
  ['throws', (content) => () => Promise.reject(new Error(content, { cause: new Error(content) }))],
  [
    'throws what is no error',
    (content) => () => {
      throw content
    },
  ],
  ['answers nonsense', (content) => ({ outcome: content })],
  ['accepts it under an id', (content) => ({ outcome: 'accepted', providerMessageId: content.slice(0, 250) })],
]

test.each(QUOTES)('none is seen where an adapter quotes them: it %s', async (_, act) => {
  const { code, pin, nested, name, item } = CANARIES
  const quotes = [
    code,
    `"${code.toLowerCase()}"`,
    `${pin}`,
    nested,
    JSON.stringify({ [name]: nested }),
    item,
    encodeURIComponent(nested),
  ]
  for (const quote of quotes) {
    mail.next(act(quote), act(`message with ${quote} in it`))
    phone.next(act(code.toUpperCase()))
    await ask()
    await carillon.drainJobs()
    clock.advance(60_000)
    await carillon.drainJobs()
  }
  await quiet()
})

const BAD: readonly [string, object][] = [
  ['too long a text', { code: CANARIES.code.repeat(9) }],
  ['a text for a number', { pin: CANARIES.code }],
  ['a number that does not fit', { pin: CANARIES.pin + 0.5 }],
  ['a number for a text', { code: CANARIES.pin }],
  ['an object for a text', { code: { [CANARIES.name]: CANARIES.code } }],
  ['names inside a secret', { nested: { token: { [CANARIES.name]: 7 } } }],
  ['a name that cannot be stored', { nested: { token: { [`${CANARIES.name}\0`]: '' } } }],
  ['a text for a list', { list: CANARIES.code }],
  ['an object for a list', { list: { [CANARIES.name]: CANARIES.code } }],
  ['a number in a list', { list: [CANARIES.pin] }],
  ['a text for the object around', { nested: CANARIES.code }],
  ['another field that a message is about', { text: 'bad' }],
  ['a schema that throws', { text: 'throws' }],
]

test.each(BAD)('none is seen where the payload does not fit: %s', async (_, change) => {
  const payload = { ...GIVEN, ...change }
  const { errors } = await ask(change)
  expect(errors).toHaveLength(1)
  const simulated = 'query ($input: SimulateTriggerInput!) { simulateTrigger(input: $input) { at } }'
  const given = { notificationKey: 'password.reset', payload }
  await carillon.ask(carillon.backendKey, simulated, { input: { ...given, recipients: [{ id: 'ada' }] } })
  const previewed = 'query ($input: PreviewRenderingInput!) { previewRendering(input: $input) { content } }'
  const preview = { ...given, recipient: { id: 'ada' }, channel: 'email' }
  const answer = await carillon.ask(carillon.operatorKey, previewed, { input: preview })
  expect(answer.errors).toHaveLength(1)
  await quiet()
})

test('an issue of another field is told as it is, with its path', async () => {
  const { errors } = await ask({ text: 7 })
  expect(errors[0]?.extensions['issues']).toEqual([
    { path: ['text'], message: 'Invalid input: expected string, received number' },
  ])
  const { errors: secret } = await ask({ nested: { token: { [CANARIES.name]: 7 } } })
  expect(secret[0]?.extensions['issues']).toEqual([
    { path: ['nested', 'token'], message: 'does not fit; how is not told, since that may quote a secret field' },
  ])
})

test('none is seen where the rest of the input does not fit', async () => {
  const { idempotencyKey: _, ...incomplete } = input()
  for (const wrong of [incomplete, { ...input(), nonsense: 1 }, { ...input(), recipients: [{}] }, [input()]]) {
    const { errors } = await carillon.ask(carillon.backendKey, TRIGGER, { input: wrong })
    expect(errors[0]?.extensions['code']).toBe('BAD_USER_INPUT')
  }
  await quiet()
})

test('none is seen of a simulation, nor of a preview of the inbox', async () => {
  const { notificationKey, payload, recipients } = input() as Record<string, unknown>
  const simulated = `query ($input: SimulateTriggerInput!) {
    simulateTrigger(input: $input) { recipients { deliveries { summary decisions { facts } } } }
  }`
  await carillon.ok(carillon.backendKey, simulated, { input: { notificationKey, payload, recipients } })
  const previewed = 'query ($input: PreviewRenderingInput!) { previewRendering(input: $input) { content } }'
  const preview = { notificationKey, payload, recipient: { id: 'ada' }, channel: 'in_app' }
  await carillon.ok(carillon.operatorKey, previewed, { input: preview })
  await quiet()
})
