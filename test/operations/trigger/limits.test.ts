import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { greeting } from '../../support/notifiers.ts'
import { countRows, refusalOf, TRIGGER, trigger, triggerInput, tryTrigger } from '../../support/trigger.ts'

let carillon: TestCarillon
let before: Record<string, number>
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
})
afterAll(() => carillon.close())
beforeEach(async () => {
  before = await countRows(carillon)
})
const nothingWritten = async () => expect(await countRows(carillon)).toEqual(before)

const nested = (depth: number): unknown => {
  let value: unknown = []
  for (let level = 1; level < depth; level++) value = [value]
  return value
}

const recipient = (details: object) => ({ recipients: [{ id: 'fine' }, { id: 'r', ...details }] })

/** Every text that a trigger holds: how it is put into the input, and how the path to it is named. */
const TEXTS: readonly (readonly [string, (text: string) => object])[] = [
  ['input.notificationKey', (text) => ({ notificationKey: text })],
  ['input.idempotencyKey', (text) => ({ idempotencyKey: text })],
  ['input.actorId', (text) => ({ actorId: text })],
  ['input.correlationId', (text) => ({ correlationId: text })],
  ['input.payload.text', (text) => ({ payload: { text } })],
  ['input.payload.more.0.deep', (text) => ({ payload: { text: '', more: [{ deep: text }] } })],
  ['input.payload.more', (text) => ({ payload: { text: '', more: { [text]: 1 } } })],
  ['input.recipients.1.id', (text) => recipient({ id: text })],
  ['input.recipients.1.type', (text) => recipient({ type: text })],
  ['input.recipients.1.displayName', (text) => recipient({ displayName: text })],
  ['input.recipients.1.email', (text) => recipient({ email: text })],
  ['input.recipients.1.phone', (text) => recipient({ phone: text })],
  ['input.recipients.1.timeZone', (text) => recipient({ timeZone: text })],
  ['input.recipients.1.locale', (text) => recipient({ locale: text })],
  ['input.recipients.1.data.a.0', (text) => recipient({ data: { a: [text] } })],
  ['input.recipients.1.addresses.0.channel', (text) => recipient({ addresses: [{ channel: text, address: 'x' }] })],
  ['input.recipients.1.addresses.0.address', (text) => recipient({ addresses: [{ channel: 'c', address: text }] })],
]

test.each(TEXTS)('a NUL or a lone surrogate in %s is refused there, and nothing is written', async (path, put) => {
  for (const text of ['a\0b', 'a\uD800b', '\uDFFF']) {
    const answer = await tryTrigger(carillon, put(text) as Record<string, unknown>)
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path })
  }
  await nothingWritten()
})

test.each(TEXTS.filter(([path]) => /Key$|Id$|\.id$|channel$/.test(path)))(
  'an id or name of 256 characters in %s is refused there',
  async (path, put) => {
    const answer = await tryTrigger(carillon, put('x'.repeat(256)) as Record<string, unknown>)
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path })
    await nothingWritten()
  },
)

test('ids and names of 255 characters are taken, of any characters', async () => {
  for (const character of ['x', '€', '漢']) {
    const long = character.repeat(255)
    const { event } = await trigger(carillon, {
      idempotencyKey: long,
      actorId: `${long.slice(1)}a`,
      correlationId: long,
      recipients: [{ id: long, addresses: [{ channel: long, address: character.repeat(340) }] }],
    })
    expect(event).toMatchObject({ idempotencyKey: long, correlationId: long, recipientCount: 1 })
  }
})

test('a payload of 256 KiB is taken, and of one byte more refused', async () => {
  const text = 'x'.repeat(256 * 1024 - '{"text":""}'.length)
  const { event } = await trigger(carillon, { payload: { text } })
  expect(event.payload.text).toHaveLength(text.length)
  before = await countRows(carillon)
  const answer = await tryTrigger(carillon, { payload: { text: `${text}x` } })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.payload' })
  await nothingWritten()
})

test('a payload of 32 levels is taken and given back, and of 33 refused where it goes too deep', async () => {
  const payload = { text: 'x', more: nested(31) }
  expect((await trigger(carillon, { payload })).event.payload).toEqual(payload)
  before = await countRows(carillon)
  const answer = await tryTrigger(carillon, { payload: { text: 'x', more: nested(32) } })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: `input.payload.more${'.0'.repeat(31)}` })
  await nothingWritten()
})

test('a payload of a hundred thousand levels is refused, and harms nobody', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const input = JSON.stringify(triggerInput({ payload: { text: '', more: 'DEEP' } })).replace('"DEEP"', deep)
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${carillon.backendKey}` },
    body: `{"query":${JSON.stringify(TRIGGER)},"variables":{"input":${input}}}`,
  })
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] }
  expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT'])
  await nothingWritten()
})

test.each(['{"text":"","__proto__":{"a":1}}', '{"text":"","n":1e400}'])(
  'a payload that would come back changed is refused: %s',
  async (payload) => {
    const input = JSON.stringify(triggerInput({ payload: 'PAYLOAD' })).replace('"PAYLOAD"', payload)
    const response = await fetch(carillon.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${carillon.backendKey}` },
      body: `{"query":${JSON.stringify(TRIGGER)},"variables":{"input":${input}}}`,
    })
    const { errors } = (await response.json()) as { errors: { extensions: { code: string; path: string[] } }[] }
    expect(errors[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      path: ['input', 'payload', expect.anything()],
    })
    await nothingWritten()
  },
)

test('a thousand recipients may be named, and one more is refused', async () => {
  const recipients = Array.from({ length: 1_001 }, (_, index) => ({ id: `r${index}` }))
  const { event } = await trigger(carillon, { recipients: recipients.slice(1) })
  expect(event).toMatchObject({ status: 'PLANNED', recipientCount: 1_000, plannedRecipientCount: 1_000 })
  before = await countRows(carillon)
  const answer = await tryTrigger(carillon, { recipients })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients' })
  await nothingWritten()
})

test('a request that says nothing of its limits is told of them in a batch as well', async () => {
  const query = `mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { error { code message } } } }`
  const triggers = [triggerInput({ payload: { text: 'a\0' } }), triggerInput({ correlationId: 'x'.repeat(256) })]
  const { triggerBatch } = await carillon.ok(carillon.backendKey, query, { input: { triggers } })
  expect(triggerBatch.results.map(({ error }: { error: { message: string } }) => error.message)).toEqual([
    'Cannot trigger "greeting": payload.text contains a NUL character or a lone surrogate',
    'Cannot trigger "greeting": correlationId is longer than 255 characters',
  ])
})
