import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { openPlaces } from '../../server/adapters/places.ts'

const NEVER = new AbortController().signal
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('no more are inside than there are places, and who waits comes in, in order', async () => {
  const places = openPlaces(2)
  const inside: string[] = []
  const leave = new Map<string, (() => void) | null>()
  for (const name of ['a', 'b', 'c', 'd']) {
    void places.take(NEVER).then((place) => {
      inside.push(name)
      leave.set(name, place)
    })
  }
  await settled()
  expect([inside, places.taken(), places.waiting()]).toEqual([['a', 'b'], 2, 2])
  leave.get('b')?.()
  await settled()
  expect([inside, places.taken(), places.waiting()]).toEqual([['a', 'b', 'c'], 2, 1])
  leave.get('a')?.()
  leave.get('c')?.()
  await settled()
  leave.get('d')?.()
  expect([inside, places.taken(), places.waiting()]).toEqual([['a', 'b', 'c', 'd'], 0, 0])
})

test('who gives up waiting leaves the queue, and takes no place', async () => {
  const places = openPlaces(1)
  const leave = await places.take(NEVER)
  const tired = new AbortController()
  const waiting = places.take(tired.signal)
  const next = places.take(NEVER)
  tired.abort()
  expect(await waiting).toBeNull()
  leave?.()
  expect(await next).not.toBeNull()
  expect([places.taken(), places.waiting()]).toEqual([1, 0])
  expect(await places.take(AbortSignal.abort())).toBeNull()
})

test('who waited for a place leaves nothing at the signal that it waited with', async () => {
  const places = openPlaces(1)
  const { signal } = new AbortController()
  const leave = await places.take(signal)
  const waiting = places.take(signal)
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  leave?.()
  await waiting
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
