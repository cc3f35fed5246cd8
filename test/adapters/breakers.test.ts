import { expect, test } from 'vitest'
import { type Breakers, type CallEnd, openBreakers } from '../../server/adapters/breakers.ts'
import type { Route, RoutedAdapter } from '../../server/adapters/routing.ts'
import { DEFAULT_RETRY } from '../../server/core/retry.ts'

const NEVER = new AbortController().signal
const settled = () => new Promise((resolve) => setImmediate(resolve))

const routed = (name: string, concurrency: number): RoutedAdapter => ({
  adapter: { name, deliver: () => Promise.resolve({ outcome: 'accepted' }) },
  timeoutMs: 10_000,
  concurrency,
})
const routeOf = (...adapters: readonly RoutedAdapter[]): Route => ({
  adapters,
  policy: DEFAULT_RETRY,
  limitedBy: adapters[0]?.adapter.name ?? '',
})

const open = () => {
  const clock = { now: 0 }
  const breakers = openBreakers(() => clock.now)
  return { clock, breakers }
}
const enter = async (breakers: Breakers, adapter: RoutedAdapter): Promise<(end: CallEnd) => void> => {
  const admission = await breakers.enter(adapter, NEVER)
  if (!admission.admitted) throw new Error(`not admitted: ${admission.because}`)
  return admission.ended
}
/** Ten failures, over nine seconds: it rests for ten from then on. */
const breakDown = async (breakers: Breakers, clock: { now: number }, adapter: RoutedAdapter): Promise<void> => {
  for (let call = 0; call < 10; call++) {
    if (call > 0) clock.now += 1_000
    const ended = await enter(breakers, adapter)
    ended('failed')
  }
}

test('a channel claims less by as many as wait for a place with its adapter, on whatever channel', async () => {
  const { breakers } = open()
  const shared = routed('shared', 3)
  const other = routed('other', 3)
  expect(breakers.capacityOf(routeOf(shared))).toBe(3)
  const inside = await Promise.all([1, 2, 3].map(() => enter(breakers, shared)))
  const waiting = [1, 2, 3, 4].map(() => enter(breakers, shared))
  await settled()
  expect([breakers.capacityOf(routeOf(shared)), breakers.capacityOf(routeOf(other, shared))]).toEqual([0, 3])
  for (const ended of inside) ended('answered')
  await Promise.all(waiting.slice(0, 3))
  expect(breakers.capacityOf(routeOf(shared, other))).toBe(2)
})

test('one call at a time tries a provider out when its rest is over, and the others are told when to come again', async () => {
  const { clock, breakers } = open()
  const adapter = routed('dead', 5)
  await breakDown(breakers, clock, adapter)
  clock.now += 4_000
  expect(await breakers.enter(adapter, NEVER)).toEqual({ admitted: false, because: 'breaker', retryAfterMs: 6_000 })
  expect(breakers.capacityOf(routeOf(adapter))).toBe(0)

  clock.now += 6_000
  expect(breakers.capacityOf(routeOf(adapter))).toBe(1)
  const admissions = await Promise.all([1, 2, 3, 4, 5].map(() => breakers.enter(adapter, NEVER)))
  expect(admissions.map(({ admitted }) => admitted)).toEqual([true, false, false, false, false])
  expect(admissions[1]).toEqual({ admitted: false, because: 'breaker', retryAfterMs: 1_000 })

  const [probe] = admissions
  if (probe?.admitted) probe.ended('answered')
  expect(breakers.capacityOf(routeOf(adapter))).toBe(5)
})

test('who waits for a place with a provider that is found dead meanwhile is not sent there', async () => {
  const { clock, breakers } = open()
  const adapter = routed('dying', 1)
  for (let call = 0; call < 9; call++) {
    const ended = await enter(breakers, adapter)
    ended('failed')
    clock.now += 1_000
  }
  const last = await enter(breakers, adapter)
  const waiting = [breakers.enter(adapter, NEVER), breakers.enter(adapter, NEVER)]
  last('failed')
  const refused = { admitted: false, because: 'breaker', retryAfterMs: 10_000 }
  expect(await Promise.all(waiting)).toEqual([refused, refused])
})

test('who gives up while it waits takes no place and says nothing of the provider', async () => {
  const { breakers } = open()
  const adapter = routed('slow', 1)
  const ended = await enter(breakers, adapter)
  const tired = new AbortController()
  const waiting = breakers.enter(adapter, tired.signal)
  tired.abort()
  expect(await waiting).toEqual({ admitted: false, because: 'given_up' })
  ended('answered')
  expect((await breakers.enter(adapter, NEVER)).admitted).toBe(true)
})

test('a call that nobody waited for says nothing of the provider, neither that it lives nor that it is dead', async () => {
  const { clock, breakers } = open()
  const adapter = routed('failing', 1)
  const states = () => [...breakers.states(new Map([['email', routeOf(adapter)]]))]
  for (let call = 0; call < 9; call++) {
    const failed = await enter(breakers, adapter)
    failed('failed')
    clock.now += 1_000
    const givenUp = await enter(breakers, adapter)
    givenUp('given_up')
  }
  expect(states()).toEqual([['failing', 'closed']])
  const tenth = await enter(breakers, adapter)
  tenth('failed')
  expect(states()).toEqual([['failing', 'open']])
  clock.now += 10_000
  expect(states()).toEqual([['failing', 'half_open']])
})
