import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { DeliverResult } from '../../server/adapters/adapter.ts'
import { defineConfig, defineNotifier } from '../../server/index.ts'
import { tallyOf } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { page } from '../support/notifiers.ts'
import { type ScriptedAdapter, scripted } from '../support/scripted-adapter.ts'
import { TRIGGER } from '../support/trigger.ts'
import { until } from '../support/until.ts'

/*
 * Tenants share workers and providers: what one of them has waiting must not hold up another's.
 */

const alarm = defineNotifier({
  key: 'siren.call',
  version: 1,
  payload: z.object({}),
  channels: ['siren'],
  render: { siren: () => ({}) },
})

const PLACES = 10
const ACCEPTED: DeliverResult = { outcome: 'accepted' }

let pager: ScriptedAdapter
let carillon: TestCarillon
let keys: Readonly<Record<string, string>>
/** Ends the calls that are under way, and has those to come end at once. */
let release: () => void
let held: ((result: DeliverResult) => void)[]

beforeEach(async () => {
  pager = scripted('pager')
  const config = defineConfig({
    notifiers: [page, alarm],
    // Two channels of one provider have its places together.
    adapters: { pager, siren: pager },
    defaults: { concurrencyPerAdapter: PLACES },
  })
  carillon = await startCarillon(config)
  const [small, large] = await Promise.all([carillon.addTenant('small'), carillon.addTenant('large')])
  keys = { small: small.backendKey, large: large.backendKey }
  held = []
  release = () => {
    for (const end of held.splice(0)) end(ACCEPTED)
  }
})
afterEach(async () => {
  release()
  await carillon.app.worker.stop()
  await carillon.close()
})

/** Pages so many people of a tenant, or rings the siren for them. */
const pageSome = async (tenant: string, count: number, notificationKey = 'pager.call'): Promise<void> => {
  const recipients = Array.from({ length: count }, (_, index) => ({ id: `${tenant}-${index}` }))
  const input = { notificationKey, idempotencyKey: randomUUID(), payload: {}, recipients }
  await carillon.ok(keys[tenant] as string, TRIGGER, { input })
}
const calledFor = (tenant: string): number => pager.calls.filter(({ tenantId }) => tenantId === tenant).length
const hang = (calls: number): void =>
  pager.next(
    ...Array.from({ length: calls }, () => () => new Promise<DeliverResult>((resolve) => void held.push(resolve))),
  )

const tally = tallyOf('S30')
afterAll(() => tally.report())
const heldUp = (what: string, is: boolean): void => {
  tally.tried(what, is)
  expect(is).toBe(false)
}

/** How many calls of the large tenant were begun between one moment and the next call of the small one. */
const callsBetween = async (before: number): Promise<number> => {
  const next = await until('it was its turn', () => {
    const index = pager.calls.findIndex(({ tenantId }, at) => at >= before && tenantId === 'small')
    return index < 0 ? undefined : index
  })
  return pager.calls.slice(before, next).length
}

test('who comes behind a long queue of another is served in a few turns', async () => {
  for (let n = 0; n < 10; n++) await pageSome('large', 100)
  await pageSome('small', 1)
  carillon.app.worker.start()
  heldUp('behind a thousand', (await callsBetween(0)) > 5 * PLACES)
  await until('all is sent', () => calledFor('large') === 1_000)
})

test('who comes while a long queue of another is worked off is served in a few turns, time and again', async () => {
  await pageSome('small', 1)
  for (let n = 0; n < 20; n++) await pageSome('large', 100)
  carillon.app.worker.start()
  await callsBetween(0)
  for (let n = 1; n <= 10; n++) {
    await pageSome('small', 1)
    heldUp(`the ${n}th time`, (await callsBetween(pager.calls.length)) > 5 * PLACES)
  }
})

test.each([
  ['of a tenant that was there before', 'pager.call', true],
  ['of a tenant that is new', 'pager.call', false],
  ['on another channel of the same provider', 'siren.call', false],
])('calls that hang, %s, take all places but one, so that others go on', async (what, notificationKey, wasThere) => {
  await pageSome('small', 1)
  if (wasThere) await pageSome('large', 1)
  carillon.app.worker.start()
  const first = wasThere ? 2 : 1
  await until('they are known', () => pager.calls.length === first)
  hang(PLACES)
  await pageSome('large', 100, notificationKey)
  await until('they hang', () => held.length === PLACES - 1)
  // What is to be sent for the small one does not hang.
  pager.forget()
  for (let n = 2; n <= 6; n++) {
    await pageSome('small', 1)
    await until('it was sent meanwhile', () => calledFor('small') === n)
  }
  heldUp(`behind calls that hang, ${what}`, pager.calls.length !== first + PLACES - 1 + 5)
})

test('who is alone has all places', async () => {
  hang(100)
  await pageSome('large', 100)
  carillon.app.worker.start()
  await until('all places are taken', () => held.length === PLACES)
  await nextTurn()
  expect(calledFor('large')).toBe(PLACES)
})
