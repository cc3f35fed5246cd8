import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier, type Recipient } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { countRows, tryTrigger } from '../../support/trigger.ts'

const SECRET = 'hunter2'

/** What a notifier's function can do instead of its work. */
const FAULTS = {
  throws: () => {
    throw new Error(`cannot do it with ${SECRET}`)
  },
  'throws no error': () => {
    throw SECRET
  },
  rejects: () => Promise.reject(new Error(`cannot do it with ${SECRET}`)),
  hangs: () => new Promise<never>(() => {}),
  'answers nothing': () => undefined,
  'answers nonsense': () => ({ text: 1, [SECRET]: SECRET }),
} as const
type Fault = keyof typeof FAULTS

const payload = z.object({ where: z.string(), fault: z.string(), whom: z.string().default(''), secret: z.string() })
type Payload = z.output<typeof payload>

const misbehave = (here: string, { where, fault }: Payload): never | undefined =>
  where === here ? (FAULTS[fault as Fault]() as never) : undefined
const about = (here: string, payload: Payload, id: string) => payload.where === here && payload.whom === id

const moody = defineNotifier({
  key: 'moody',
  version: 1,
  payload,
  recipients: ({ payload }) =>
    payload.where === 'recipients' ? (misbehave('recipients', payload) as never) : [{ id: 'zoe' }, { id: 'ann' }],
  channels: ({ payload, recipient }) =>
    about('channels', payload, recipient.id) ? (misbehave('channels', payload) as never) : ['in_app' as const],
  render: {
    in_app: ({ payload, recipient }) =>
      about('render.in_app', payload, recipient.id) ? (misbehave('render.in_app', payload) as never) : { title: 'T' },
  },
})

/** A schema is a host's code too. */
const picky = defineNotifier({
  key: 'picky',
  version: 1,
  payload: z.object({ fault: z.string() }).refine(({ fault }) => FAULTS[fault as Fault]() as never),
  channels: ['in_app'],
  render: { in_app: () => ({ title: 'T' }) },
})

let carillon: TestCarillon
let before: Record<string, number>
let logged: Error[]
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [moody, picky, odd] })
  carillon.app.telemetry.on('notifier.failed', ({ error }) => void logged.push(error))
})
afterAll(() => carillon.close())
beforeEach(async () => {
  logged = []
  before = await countRows(carillon)
})

const refused = async (input: Record<string, unknown>) => {
  const { data, errors } = await tryTrigger(carillon, { recipients: null, ...input })
  expect([data, errors.length, errors[0]?.extensions['code']]).toEqual([null, 1, 'INTERNAL'])
  expect(JSON.stringify(errors)).not.toContain(SECRET)
  return errors[0]?.message
}

const mood = (where: string, fault: Fault, whom = 'zoe') => ({
  notificationKey: 'moody',
  payload: { where, fault, whom, secret: SECRET },
})

const PROBLEM: Record<Fault, string> = {
  throws: "failed; the server's log says how",
  'throws no error': "failed; the server's log says how",
  rejects: "failed; the server's log says how",
  hangs: 'took longer than 5000 ms',
  'answers nothing': 'returned',
  'answers nonsense': 'returned',
}

// What hangs takes its time limit; all of them together take it once.
test.concurrent.each(
  ['recipients', 'channels', 'render.in_app'].flatMap((where) =>
    (Object.keys(FAULTS) as Fault[]).map((fault) => [where, fault] as const),
  ),
)('where %s %s, nothing is written, and the notifier and the recipient are named', async (where, fault) => {
  const message = await refused(mood(where, fault))
  expect(message).toMatch(new RegExp(`^Notifier "moody": ${where.replace('.', '\\.')} `))
  expect(message).toContain(PROBLEM[fault])
  // Counted as the notifier named them, not in the order in which they are planned.
  if (where !== 'recipients') expect(message).toMatch(/ \(recipient 0\)$/)
  expect(await countRows(carillon)).toEqual(before)
})

test.concurrent.each(['throws', 'rejects', 'hangs'] as const)(
  'where the schema of the payload %s, nothing is written, and the notifier is named',
  async (fault) => {
    const input = { notificationKey: 'picky', payload: { fault }, recipients: [{ id: 'ada' }] }
    expect(await refused(input)).toBe(`Notifier "picky": payload ${PROBLEM[fault]}`)
    expect(await countRows(carillon)).toEqual(before)
  },
)

/** Answers that break what comes after the call, not the call itself. */
const ANSWERS: Record<string, (recipient: Recipient) => unknown> = {
  'a channel that is no text': () => ({ channels: [7n] }),
  'a channel that has no render': () => ({ channels: ['sms'] }),
  'a channel named like something of every object': () => ({ channels: ['constructor'] }),
  'content that is too deep': () => ({ content: { title: 'T', data: nested(100_000) } }),
  'content that cannot be stored': () => ({ content: { title: 'a\0' } }),
  'content of another channel': () => ({ content: { subject: 'S' } }),
  'another recipient': (recipient) => Object.assign(recipient, { id: 'somebody else' }),
}
const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = [value]
  return value
}
const answered = (answer: string, recipient: Recipient) =>
  (ANSWERS[answer]?.(recipient) ?? {}) as { readonly channels?: 'in_app'[]; readonly content?: never }
const odd = defineNotifier({
  key: 'odd',
  version: 1,
  payload: z.object({ answer: z.string() }),
  channels: ({ payload, recipient }) => answered(payload.answer, recipient).channels ?? ['in_app'],
  render: { in_app: ({ payload, recipient }) => answered(payload.answer, recipient).content as never },
})

test.each(Object.keys(ANSWERS))('a notifier that answers %s is named, and nothing is written', async (answer) => {
  const input = { notificationKey: 'odd', payload: { answer }, recipients: [{ id: 'ada', displayName: 'Ada' }] }
  expect(await refused(input)).toMatch(/^Notifier "odd": (channels|render\.in_app) .* \(recipient 0\)$/)
  expect(await countRows(carillon)).toEqual(before)
})

test('a recipient whom the caller named is counted after those of the notifier', async () => {
  const message = await refused({ ...mood('channels', 'throws', 'bob'), recipients: [{ id: 'cid' }, { id: 'bob' }] })
  expect(message).toMatch(/ \(recipient 3\)$/)
})

test('what the caller is not told is told to the log, with its cause', async () => {
  await refused(mood('render.in_app', 'throws'))
  expect(logged.map(({ cause }) => (cause as Error).message)).toEqual([`cannot do it with ${SECRET}`])
})

test('a trigger that fails so can be asked again with the same key, once it works', async () => {
  const idempotencyKey = 'again'
  await refused({ ...mood('channels', 'throws'), idempotencyKey })
  const { errors } = await tryTrigger(carillon, { ...mood('nowhere', 'throws'), recipients: null, idempotencyKey })
  expect(errors).toEqual([])
})
