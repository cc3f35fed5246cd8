import { afterAll, beforeAll, expect, test } from 'vitest'
import { memory } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { greeting, mention } from '../../support/notifiers.ts'
import { countRows, refusalOf, TRIGGER, trigger, triggerInput, tryTrigger } from '../../support/trigger.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting, mention], adapters: { email: memory() } })
})
afterAll(() => carillon.close())

test('a request is checked in one order: credential, notifier, payload, recipients, idempotency', async () => {
  await trigger(carillon, { idempotencyKey: 'taken' })
  const before = await countRows(carillon)
  const input: Record<string, unknown> = {
    notificationKey: 'unknown',
    payload: { text: 7 },
    recipients: [{ id: 'ada' }, { id: ' ' }],
    idempotencyKey: 'taken',
  }
  const { status, ...anonymous } = await carillon.ask(null, TRIGGER, { input })
  expect([status, refusalOf({ status, ...anonymous }).code]).toEqual([401, 'UNAUTHENTICATED'])
  const ada = await carillon.ask(await carillon.tokenFor('ada'), TRIGGER, { input })
  expect(refusalOf(ada).code).toBe('FORBIDDEN')

  const refusal = async () => refusalOf(await tryTrigger(carillon, input))
  expect(await refusal()).toEqual({ code: 'NOTIFIER_NOT_FOUND', path: 'input.notificationKey' })
  input['notificationKey'] = 'greeting'
  expect(await refusal()).toEqual({ code: 'INVALID_PAYLOAD', path: 'input.payload' })
  input['payload'] = { text: 'another' }
  expect(await refusal()).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients.1.id' })
  input['recipients'] = [{ id: 'ada' }]
  expect(await refusal()).toEqual({ code: 'IDEMPOTENCY_CONFLICT', path: undefined })
  expect(await countRows(carillon)).toEqual(before)
  input['idempotencyKey'] = 'free'
  expect((await tryTrigger(carillon, input)).errors).toEqual([])
})

test('a payload that does not fit its schema is told where, and how, for every fault in it', async () => {
  const answer = await tryTrigger(carillon, { notificationKey: 'comment.mentioned', payload: { text: ['x'] } })
  expect(refusalOf(answer)).toEqual({ code: 'INVALID_PAYLOAD', path: 'input.payload' })
  expect(answer.errors[0]?.extensions['issues']).toEqual([
    { path: ['author'], message: expect.stringContaining('expected string') },
    { path: ['text'], message: expect.stringContaining('expected string') },
  ])
})

test('a payload that is left out is an empty object, and null is none', async () => {
  const { payload: _, ...input } = triggerInput()
  const leftOut = await carillon.ask(carillon.backendKey, TRIGGER, { input })
  expect(refusalOf(leftOut).code).toBe('INVALID_PAYLOAD')
  expect(leftOut.errors[0]?.extensions['issues']).toMatchObject([{ path: ['text'] }])
  expect(refusalOf(await tryTrigger(carillon, { payload: null }))).toEqual({
    code: 'BAD_USER_INPUT',
    path: 'input.payload',
  })
})

test('a payload is stored as it was given, without what its schema adds', async () => {
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { unknown: true, author: 'Ada' },
  })
  expect(event.payload).toEqual({ unknown: true, author: 'Ada' })
})

test('an idempotency key that is blank is refused, after everything else', async () => {
  const refusal = refusalOf(await tryTrigger(carillon, { idempotencyKey: ' ' }))
  expect(refusal).toEqual({ code: 'BAD_USER_INPUT', path: 'input.idempotencyKey' })
  const worse = refusalOf(await tryTrigger(carillon, { idempotencyKey: ' ', recipients: [{ id: '' }] }))
  expect(worse.path).toBe('input.recipients.0.id')
})
