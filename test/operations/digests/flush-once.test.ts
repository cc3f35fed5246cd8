import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveriesOf } from '../../support/deliveries.ts'
import { bucketOf, buckets, comment, comments, flush, HOURLY, somebody } from '../../support/digests.ts'
import { operate } from '../../support/operator.ts'
import { scripted } from '../../support/scripted-adapter.ts'

const clock = new TestClock()
const email = scripted('email')
let carillon: TestCarillon
let neighbour: TestCarillon
beforeAll(async () => {
  const config = { notifiers: [comment], adapters: { email }, digestRules: [HOURLY] }
  carillon = await startCarillon(config, { clock })
  neighbour = await startCarillon(config, { clock, databaseUrl: carillon.databaseUrl })
})
afterAll(async () => {
  await neighbour.close()
  await carillon.close()
})
beforeEach(() => clock.set('2026-01-15T12:00:00.000Z'))

const drainBoth = () => Promise.all([carillon.drainJobs(), neighbour.drainJobs()])
const textsTo = (id: string): string[] =>
  email.calls.filter(({ recipient }) => recipient.id === id).map(({ content }) => (content as { text: string }).text)

test('workers and operators of two servers who flush a hundred buckets at once send each once', async () => {
  const everybody = Array.from({ length: 100 }, somebody)
  await Promise.all(everybody.map((recipientId) => comments(carillon, ['one', 'two'], { recipientId })))
  const open = await Promise.all(everybody.slice(0, 10).map((id) => bucketOf(carillon, id)))
  clock.set('2026-01-15T13:00:00.000Z')
  await Promise.all([
    drainBoth(),
    ...open.flatMap(({ id }: GraphQLAnswer['data']) => [flush(carillon, id), flush(neighbour, id)]),
  ])
  await drainBoth()
  expect(everybody.map((id) => textsTo(id))).toEqual(everybody.map(() => ['one\ntwo']))
})

test('what comes while its bucket is being closed is in that one or in the next, and in one of them alone', async () => {
  const ada = somebody()
  await comments(carillon, ['first'], { recipientId: ada })
  const texts = Array.from({ length: 30 }, (_, n) => `late ${n}`)
  let flushes = 0
  const closing = async () => {
    for (let round = 0; round < 8; round++) {
      for (const { id, state } of await buckets(neighbour, { recipientId: ada })) {
        if (state === 'OPEN') await flush(neighbour, id)
      }
      flushes += 1
    }
  }
  await Promise.all([...texts.map((text) => comments(carillon, [text], { recipientId: ada })), closing()])
  clock.set('2026-01-15T13:00:00.000Z')
  await drainBoth()
  const said = textsTo(ada).flatMap((text) => text.split('\n'))
  expect(said.sort()).toEqual(['first', ...texts].sort())
  const found = await buckets(carillon, { recipientId: ada })
  expect(found.map(({ state }: GraphQLAnswer['data']) => state)).not.toContain('OPEN')
  expect(flushes).toBe(8)
})

test('members that leave while their bucket is being closed are in its digest, or out of it, and never both', async () => {
  const ada = somebody()
  await comments(
    carillon,
    Array.from({ length: 12 }, (_, n) => `item ${n}`),
    { recipientId: ada },
  )
  const held = await deliveriesOf(carillon, { recipientId: ada, channel: 'email' })
  const { id } = await bucketOf(carillon, ada)
  const cancelled = held.slice(0, 6).map((one) =>
    operate(neighbour, 'cancel', one.id).then(
      () => true,
      () => false,
    ),
  )
  await Promise.all([flush(carillon, id), ...cancelled])
  await drainBoth()
  const gone = (await Promise.all(cancelled)).filter(Boolean).length
  const [text] = textsTo(ada)
  expect(text?.split('\n')).toHaveLength(12 - gone)
  expect(await bucketOf(carillon, ada)).toMatchObject({ state: 'EMITTED', memberCount: 12 - gone })
})

test('a bucket that was closed stays as it was, whoever asks again', async () => {
  const ada = somebody()
  await comments(carillon, ['one'], { recipientId: ada })
  const { id } = await bucketOf(carillon, ada)
  expect(await flush(carillon, id)).toBe('EMITTED')
  const before = await bucketOf(carillon, ada)
  clock.set('2026-01-15T12:30:00.000Z')
  expect(await flush(neighbour, id)).toBe('EMITTED')
  expect(await bucketOf(carillon, ada)).toEqual(before)
})
