import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier } from '../../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { bucketOf, buckets, comment, comments, flush, HOURLY, somebody } from '../../support/digests.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'

const on = (key: string) =>
  defineNotifier({
    key,
    version: 1,
    payload: z.object({}),
    channels: ['pager'],
    render: { pager: () => ({}) },
    digest: { pager: {} },
  })

const of = (key: string) => ({
  key: `of-${key}`,
  version: 1,
  channel: 'pager',
  matchNotificationKey: key,
  groupBy: 'notification_key' as const,
})

const clock = new TestClock()
const email = scripted('email')
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(
    {
      notifiers: [comment, on('daily'), on('tokyo'), on('sliding'), on('three')],
      adapters: { email, pager: scripted('pager') },
      defaults: { timeZone: 'America/New_York' },
      digestRules: [
        HOURLY,
        { ...of('daily'), window: { kind: 'boundary', time: '09:00' } },
        { ...of('tokyo'), window: { kind: 'boundary', time: '09:00', timeZone: 'Asia/Tokyo' } },
        { ...of('sliding'), window: { kind: 'sliding', minutes: 10, maxMinutes: 25 } },
        { ...of('three'), window: { kind: 'fixed', minutes: 60 }, maxItems: 3 },
      ],
    },
    { clock },
  )
})
afterAll(() => carillon.close())

const send = async (notificationKey: string, id: string, details: object = {}): Promise<void> => {
  await trigger(carillon, { notificationKey, payload: {}, recipients: [{ id, ...details }] })
}

const at = (time: string): void => clock.set(`2026-01-15T${time}:00.000Z`)

const standsOf = async (recipientId: string) =>
  (await buckets(carillon, { recipientId }))
    .map(({ windowStartsAt, windowEndsAt, memberCount, state }: GraphQLAnswer['data']) =>
      [windowStartsAt.slice(11, 16), windowEndsAt.slice(11, 16), memberCount, state].join(' '),
    )
    .sort()

const sequencesOf = async (recipientId: string): Promise<number[]> => {
  const { rows } = await carillon.sql.query<{ sequence: number }>(
    'select sequence from digest_bucket where recipient_id = $1 order by id',
    [recipientId],
  )
  return rows.map(({ sequence }) => sequence)
}

test("a daily boundary is the recipient's own, else the configured zone's, unless its rule has one", async () => {
  at('12:00')
  const [berlin, none, own] = [somebody(), somebody(), somebody()]
  await send('daily', berlin, { timeZone: 'Europe/Berlin' })
  await send('daily', none)
  await send('tokyo', own, { timeZone: 'Europe/Berlin' })
  expect((await bucketOf(carillon, berlin)).windowEndsAt).toBe('2026-01-16T08:00:00.000Z')
  expect((await bucketOf(carillon, none)).windowEndsAt).toBe('2026-01-15T14:00:00.000Z')
  expect((await bucketOf(carillon, own)).windowEndsAt).toBe('2026-01-16T00:00:00.000Z')
})

test('a recipient who moves keeps the window that is open, and the next is of the new zone', async () => {
  at('12:00')
  const ada = somebody()
  await send('daily', ada, { timeZone: 'Europe/Berlin' })
  await send('daily', ada, { timeZone: 'Asia/Tokyo' })
  expect(await bucketOf(carillon, ada)).toMatchObject({ memberCount: 2, windowEndsAt: '2026-01-16T08:00:00.000Z' })
  clock.set('2026-01-16T08:00:00.000Z')
  await send('daily', ada)
  const [, next] = await buckets(carillon, { recipientId: ada })
  expect(next).toMatchObject({ windowStartsAt: '2026-01-16T00:00:00.000Z', windowEndsAt: '2026-01-17T00:00:00.000Z' })
})

test('a sliding window is put off by each item, and closes when none has come for so long', async () => {
  const ada = somebody()
  at('12:00')
  await send('sliding', ada)
  at('12:06')
  await send('sliding', ada)
  // When it would have closed first.
  at('12:10')
  await carillon.drainJobs()
  expect(await standsOf(ada)).toEqual(['12:00 12:16 2 OPEN'])
  at('12:16')
  await carillon.drainJobs()
  expect(await standsOf(ada)).toEqual(['12:00 12:16 2 EMITTED'])
})

test('a sliding window closes at the latest so long after its first item, and the next item opens another', async () => {
  const ada = somebody()
  for (const time of ['12:00', '12:09', '12:18', '12:24', '12:25']) {
    at(time)
    await send('sliding', ada)
  }
  expect(await standsOf(ada)).toEqual(['12:00 12:25 4 OPEN', '12:25 12:35 1 OPEN'])
  await carillon.drainJobs()
  expect(await standsOf(ada)).toEqual(['12:00 12:25 4 EMITTED', '12:25 12:35 1 OPEN'])
})

test('a bucket that is full is sent at once, and another of the same window follows', async () => {
  const ada = somebody()
  at('12:00')
  for (let n = 0; n < 3; n++) await send('three', ada)
  await carillon.drainJobs()
  expect(await standsOf(ada)).toEqual(['12:00 13:00 3 EMITTED'])
  at('12:30')
  await send('three', ada)
  expect(await standsOf(ada)).toEqual(['12:00 13:00 1 OPEN', '12:00 13:00 3 EMITTED'])
  expect(await sequencesOf(ada)).toEqual([1, 2])
  at('13:00')
  await send('three', ada)
  expect(await sequencesOf(ada)).toEqual([1, 2, 1])
})

test('a bucket that an operator closed is followed by another of the same window', async () => {
  const ada = somebody()
  at('12:00')
  await comments(carillon, ['one'], { recipientId: ada })
  expect(await flush(carillon, (await bucketOf(carillon, ada)).id)).toBe('EMITTED')
  await comments(carillon, ['two'], { recipientId: ada })
  expect(await standsOf(ada)).toEqual(['12:00 13:00 1 EMITTED', '12:00 13:00 1 OPEN'])
  expect(await sequencesOf(ada)).toEqual([1, 2])
})

test('what comes after the end of a window that nobody has closed yet opens the next, and each is sent by itself', async () => {
  const ada = somebody()
  at('12:59')
  await comments(carillon, ['early'], { recipientId: ada })
  at('13:00')
  await comments(carillon, ['late'], { recipientId: ada })
  expect(await standsOf(ada)).toEqual(['12:00 13:00 1 OPEN', '13:00 14:00 1 OPEN'])
  at('14:00')
  await carillon.drainJobs()
  const texts = email.calls.filter(({ recipient }) => recipient.id === ada).map(({ content }) => content)
  expect(texts).toMatchObject([{ text: 'early' }, { text: 'late' }])
  expect(await standsOf(ada)).toEqual(['12:00 13:00 1 EMITTED', '13:00 14:00 1 EMITTED'])
})

test('threads of one recipient close by themselves, each in its own digest', async () => {
  const ada = somebody()
  at('12:00')
  await comments(carillon, ['a', 'b'], { recipientId: ada, thread: 'plans' })
  await comments(carillon, ['c'], { recipientId: ada, thread: 'budget' })
  const found = await buckets(carillon, { recipientId: ada })
  expect(found.map(({ groupingValue, memberCount }: GraphQLAnswer['data']) => [groupingValue, memberCount])).toEqual([
    ['plans', 2],
    ['budget', 1],
  ])
  await flush(carillon, found[0].id)
  expect(await standsOf(ada)).toEqual(['12:00 13:00 1 OPEN', '12:00 13:00 2 EMITTED'])
})
