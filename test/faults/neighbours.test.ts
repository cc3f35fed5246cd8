import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { DeliverResult } from '../../server/adapters/adapter.ts'
import { defineConfig } from '../../server/index.ts'
import { tallyOf } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { page } from '../support/notifiers.ts'
import { type ScriptedAdapter, scripted } from '../support/scripted-adapter.ts'
import { TRIGGER } from '../support/trigger.ts'
import { until } from '../support/until.ts'

/*
 * Tenants share workers and providers: what one of them has waiting must not hold up another's.
 */

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
    notifiers: [page],
    adapters: { pager },
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

/** Pages so many people of a tenant. */
const pageSome = async (tenant: string, count: number): Promise<void> => {
  const recipients = Array.from({ length: count }, (_, index) => ({ id: `${tenant}-${index}` }))
  const input = { notificationKey: 'pager.call', idempotencyKey: randomUUID(), payload: {}, recipients }
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

test('who comes behind a long queue of another is served in a few turns', async () => {
  for (let n = 0; n < 10; n++) await pageSome('large', 100)
  await pageSome('small', 1)
  carillon.app.worker.start()
  await until('it was its turn', () => calledFor('small') === 1)
  heldUp('behind a thousand', calledFor('large') > 5 * PLACES)
  await until('all is sent', () => calledFor('large') === 1_000)
})

test('who comes while a long queue of another is worked off is served in a few turns, time and again', async () => {
  await pageSome('small', 1)
  for (let n = 0; n < 20; n++) await pageSome('large', 100)
  carillon.app.worker.start()
  for (let n = 1; n <= 10; n++) {
    await pageSome('small', 1)
    const before = calledFor('large')
    await until('it was its turn', () => calledFor('small') === n + 1)
    heldUp(`the ${n}th time`, calledFor('large') - before > 5 * PLACES)
  }
  expect(calledFor('large')).toBeLessThan(2_000)
})

test('calls that hang take all places but one, so that others go on', async () => {
  for (const tenant of ['small', 'large']) await pageSome(tenant, 1)
  carillon.app.worker.start()
  await until('both are known', () => calledFor('small') + calledFor('large') === 2)
  hang(PLACES - 1)
  await pageSome('large', 100)
  await until('they hang', () => held.length === PLACES - 1)
  for (let n = 2; n <= 6; n++) {
    await pageSome('small', 1)
    await until('it was sent meanwhile', () => calledFor('small') === n)
  }
  heldUp('behind calls that hang', calledFor('large') !== 1 + PLACES - 1)
})

test('who is alone has all places', async () => {
  hang(100)
  await pageSome('large', 100)
  carillon.app.worker.start()
  await until('all places are taken', () => held.length === PLACES)
  await nextTurn()
  expect(calledFor('large')).toBe(PLACES)
})
