import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { greeting } from '../../support/notifiers.ts'
import { countRows, refusalOf, triggerInput } from '../../support/trigger.ts'

const BATCH = `mutation ($input: TriggerBatchInput!) {
  triggerBatch(input: $input) {
    results { trigger { deduplicated event { id payload } } error { code message issues eventId } }
  }
}`

/** Takes as many turns of the event loop as its payload says. */
const slow = defineNotifier({
  key: 'slow',
  version: 1,
  payload: z.object({ turns: z.number() }),
  channels: async ({ payload }) => {
    for (let turn = 0; turn < payload.turns; turn++) await nextTurn()
    return ['in_app']
  },
  render: { in_app: () => ({ title: 'At last' }) },
})

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting, slow] })
})
afterAll(() => carillon.close())

const batch = async (triggers: readonly object[]) =>
  (await carillon.ok(carillon.backendKey, BATCH, { input: { triggers } })).triggerBatch.results

test('each trigger of a batch is accepted or refused by itself, and results come in the order given', async () => {
  await batch([triggerInput({ idempotencyKey: 'taken' })])
  const before = await countRows(carillon)
  const results = await batch([
    triggerInput({ payload: { text: 'first' } }),
    triggerInput({ payload: { text: 7 } }),
    triggerInput({ notificationKey: 'unknown' }),
    triggerInput({ payload: { text: 'a\0b' } }),
    triggerInput({ recipients: [{ id: '' }] }),
    triggerInput({ payload: { text: 'another' }, idempotencyKey: 'taken' }),
    triggerInput({ payload: { text: 'last' } }),
  ])
  type Result = {
    readonly trigger?: { readonly event: { readonly payload: { readonly text: string } } }
    readonly error?: { readonly code: string }
  }
  expect(results.map(({ trigger, error }: Result) => trigger?.event.payload.text ?? error?.code)).toEqual([
    'first',
    'INVALID_PAYLOAD',
    'NOTIFIER_NOT_FOUND',
    'BAD_USER_INPUT',
    'BAD_USER_INPUT',
    'IDEMPOTENCY_CONFLICT',
    'last',
  ])
  expect(results[1].error.issues).toMatchObject([{ path: ['text'] }])
  expect(results[5].error.eventId).toMatch(/^[\w-]+$/)
  expect((await countRows(carillon))['event']).toBe((before['event'] ?? 0) + 2)
})

test('of one key twice in a batch the first wins, however slow it is', async () => {
  const first = triggerInput({ notificationKey: 'slow', payload: { turns: 200 }, idempotencyKey: 'twice' })
  const second = { ...first, payload: { turns: 0 } }
  const results = await batch([first, second, first])
  expect(results[0].trigger).toMatchObject({ deduplicated: false, event: { payload: { turns: 200 } } })
  expect(results[1].error).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', eventId: results[0].trigger.event.id })
  expect(results[2].trigger).toMatchObject({ deduplicated: true, event: { id: results[0].trigger.event.id } })
})

test('where the first of two with one key is refused, the second has it', async () => {
  const first = triggerInput({ payload: { text: 7 }, idempotencyKey: 'second chance' })
  const results = await batch([first, { ...first, payload: { text: 'fine' } }])
  expect([results[0].error.code, results[1].trigger.deduplicated]).toEqual(['INVALID_PAYLOAD', false])
})

test('a batch of a thousand to one recipient arrives whole, and one more is refused', async () => {
  const recipients = [{ id: 'many' }]
  const triggers = Array.from({ length: 1_000 }, () => triggerInput({ recipients }))
  const results = await batch(triggers)
  expect(results.filter(({ trigger }: { trigger: unknown }) => trigger)).toHaveLength(1_000)
  const { inbox } = await carillon.ok(await carillon.tokenFor('many'), '{ inbox { counts { total unread } } }')
  expect(inbox.counts).toEqual({ total: 1_000, unread: 1_000 })

  const answer = await carillon.ask(carillon.backendKey, BATCH, { input: { triggers: [...triggers, triggerInput()] } })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.triggers' })
})

test('an empty batch is answered with nothing', async () => {
  expect(await batch([])).toEqual([])
})
