import type { Pool, QueryConfig } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { InboxKey } from '../../server/core/cursor.ts'
import { markInbox } from '../../server/operations/inbox.ts'
import { type InboxChanges, type InboxHub, openInboxHub } from '../../server/realtime/inbox-hub.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { readUntil } from '../support/collect.ts'
import { randomOfRun } from '../support/random.ts'
import { until } from '../support/until.ts'
import { notesConfig, sendNotes, times } from './notes.ts'

let carillon: TestCarillon
let hub: InboxHub
beforeAll(async () => {
  carillon = await startCarillon(notesConfig)
  hub = carillon.app.hub
})
afterAll(() => carillon.close())

const inboxOf = (recipientId: string): InboxKey => ({ tenantId: carillon.tenantId, recipientId })
const subscribe = (recipientId: string, after: number | null = null) => hub.subscribe(inboxOf(recipientId), after)
const next = async (stream: AsyncIterator<InboxChanges>): Promise<InboxChanges> => {
  const { value, done } = await stream.next()
  if (done) throw new Error('the stream has ended')
  return value
}
const versions = (updates: readonly InboxChanges[]) =>
  updates.flatMap(({ changed }) => changed.map(({ inboxVersion }) => inboxVersion))

test('the first update comes at once, also for an inbox that nothing ever happened to', async () => {
  const stream = subscribe('nobody')
  expect(await next(stream)).toEqual({
    version: 0,
    changed: [],
    removedIds: [],
    counts: { total: 0, unread: 0, unseen: 0 },
    resync: false,
  })
  await stream.return?.()
})

test('without a cursor it begins now: what was there before is counted and not sent', async () => {
  await sendNotes(carillon, times('late', 3))
  const stream = subscribe('late')
  expect(await next(stream)).toEqual({
    version: 3,
    changed: [],
    removedIds: [],
    counts: { total: 3, unread: 3, unseen: 3 },
    resync: false,
  })
  await sendNotes(carillon, ['late'])
  const update = await next(stream)
  expect(update).toMatchObject({ version: 4, counts: { total: 4 } })
  expect(versions([update])).toEqual([4])
  await stream.return?.()
})

test('a subscriber that comes back with a cursor gets what changed since, once and in order', async () => {
  await sendNotes(carillon, times('back', 5))
  const first = subscribe('back', 2)
  const resumed = await next(first)
  expect(versions([resumed])).toEqual([3, 4, 5])
  await first.return?.()
  await sendNotes(carillon, times('back', 2))
  await markInbox(carillon.app, inboxOf('back'), { action: 'read', ids: null, filter: {} })
  const second = subscribe('back', resumed.version)
  const update = await next(second)
  // All seven were marked: each has moved to a version of its own, and none comes twice.
  expect(versions([update])).toEqual([8, 9, 10, 11, 12, 13, 14])
  expect(update).toMatchObject({ version: 14, counts: { total: 7, unread: 0, unseen: 0 } })
  await second.return?.()
})

test('a cursor that is up to date is answered at once with nothing changed', async () => {
  await sendNotes(carillon, ['same'])
  const stream = subscribe('same', 1)
  expect(await next(stream)).toMatchObject({ version: 1, changed: [], counts: { total: 1 }, resync: false })
  await stream.return?.()
})

test('a cursor ahead of the inbox is answered with a resync, and the stream goes on', async () => {
  await sendNotes(carillon, ['ahead'])
  const stream = subscribe('ahead', 1_000)
  expect(await next(stream)).toEqual({
    version: 1,
    changed: [],
    removedIds: [],
    counts: { total: 1, unread: 1, unseen: 1 },
    resync: true,
  })
  await sendNotes(carillon, ['ahead'])
  const update = await next(stream)
  expect(update.resync).toBe(false)
  expect(versions([update])).toEqual([2])
  await stream.return?.()
})

test('more than a hundred changes come in pages, in order and without a gap, each with the present counts', async () => {
  await sendNotes(carillon, times('many', 250))
  const stream = subscribe('many', 0)
  const updates = await readUntil(stream, ({ version }) => version === 250)
  expect(updates.map(({ changed }) => changed.length)).toEqual([100, 100, 50])
  expect(versions(updates)).toEqual(Array.from({ length: 250 }, (_, index) => index + 1))
  for (const { counts } of updates) expect(counts.total).toBe(250)
  await stream.return?.()
})

test('a page of exactly a hundred is followed by what comes next, and not by an empty one', async () => {
  await sendNotes(carillon, times('hundred', 100))
  const stream = subscribe('hundred', 0)
  expect((await next(stream)).changed).toHaveLength(100)
  const following = next(stream)
  await sendNotes(carillon, ['hundred'])
  expect(versions([await following])).toEqual([101])
  await stream.return?.()
})

test('what changes between two pages is not lost', async () => {
  await sendNotes(carillon, times('between', 150))
  const stream = subscribe('between', 0)
  const first = await next(stream)
  const oldest = first.changed.slice(0, 10).map(({ id }) => id)
  await markInbox(carillon.app, inboxOf('between'), { action: 'seen', filter: {} })
  const rest = await readUntil(stream, ({ version }) => version === 300)
  const after = new Set(rest.flatMap(({ changed }) => changed.map(({ id }) => id)))
  expect(oldest.every((id) => after.has(id))).toBe(true)
  expect(after.size).toBe(150)
  const seen = versions(rest)
  expect(seen).toEqual(seen.toSorted((a, b) => Number(a) - Number(b)))
  await stream.return?.()
})

/** The hub's reads, counted, and held back while the gate is shut. */
const gatedReads = () => {
  let open: () => void = () => {}
  let gate: Promise<void> = Promise.resolve()
  let reads = 0
  let answers = 0
  const query = async (statement: QueryConfig) => {
    reads += 1
    const answer = await carillon.app.db.system.query(statement)
    answers += 1
    await gate
    return answer
  }
  return {
    db: { system: { query } as unknown as Pool },
    get reads() {
      return reads
    },
    /** How many the database has answered, whether or not the hub has been told. */
    get answers() {
      return answers
    },
    shut() {
      gate = new Promise((resolve) => {
        open = resolve
      })
    },
    open: () => open(),
  }
}
const openHub = (db = carillon.app.db as Pick<TestCarillon['app']['db'], 'system'>, sweepEveryMs = 3_600_000) => {
  const errors: Error[] = []
  return { errors, own: openInboxHub({ db, onError: (error) => errors.push(error), sweepEveryMs }) }
}

test('a slow reader gets fewer and larger updates, and costs no read while it does not ask', async () => {
  const gated = gatedReads()
  const { own } = openHub(gated.db)
  const stream = own.subscribe(inboxOf('slow'), null)
  await next(stream)
  for (let round = 0; round < 30; round += 1) {
    await sendNotes(carillon, ['slow'])
    own.moved([inboxOf('slow')])
  }
  for (let hint = 0; hint < 1_000; hint += 1) own.moved('all')
  expect(gated.reads).toBe(1)
  const update = await next(stream)
  expect(update.changed).toHaveLength(30)
  expect(gated.reads).toBe(2)
  own.close()
})

test('a change that is hinted at while a read is under way is not forgotten, however late the reader asks again', async () => {
  const gated = gatedReads()
  const { own } = openHub(gated.db)
  const [ada, bob] = [own.subscribe(inboxOf('mark-ada'), null), own.subscribe(inboxOf('mark-bob'), null)]
  await Promise.all([next(ada), next(bob)])
  await sendNotes(carillon, ['mark-ada'])
  gated.shut()
  const [forAda, before] = [next(ada), gated.answers]
  own.moved([inboxOf('mark-ada')])
  await until('the database has answered', () => gated.answers > before)
  // What the hub will be told is fixed now. What follows has to be read for once more, and Ada does not ask for a long while.
  await sendNotes(carillon, ['mark-ada', 'mark-bob'])
  const forBob = next(bob)
  own.moved([inboxOf('mark-ada'), inboxOf('mark-bob')])
  gated.open()
  expect(versions([await forAda])).toEqual([1])
  await forBob
  expect(versions([await next(ada)])).toEqual([2])
  own.close()
})

test('leaving frees at once, also in the midst of waiting', async () => {
  const before = hub.subscriberCount
  const stream = subscribe('leaving')
  await next(stream)
  expect(hub.subscriberCount).toBe(before + 1)
  const waiting = stream.next()
  expect(await stream.return?.()).toEqual({ value: undefined, done: true })
  expect(hub.subscriberCount).toBe(before)
  expect(await waiting).toEqual({ value: undefined, done: true })
  expect(await stream.next()).toEqual({ value: undefined, done: true })
})

test('closing the hub ends every stream, and who comes later finds it ended', async () => {
  const { own } = openHub()
  const streams = ['a', 'b', 'b'].map((id) => own.subscribe(inboxOf(id), null))
  await Promise.all(streams.map(next))
  const waiting = streams.map((stream) => stream.next())
  own.close()
  for (const end of await Promise.all(waiting)) expect(end.done).toBe(true)
  expect((await own.subscribe(inboxOf('a'), null).next()).done).toBe(true)
  expect(own.subscriberCount).toBe(0)
})

test('a lost hint is healed by the sweep', async () => {
  const { own } = openHub(carillon.app.db, 20)
  const stream = own.subscribe(inboxOf('unhinted'), null)
  await next(stream)
  const update = next(stream)
  await sendNotes(carillon, ['unhinted'])
  expect(versions([await update])).toEqual([1])
  own.close()
})

test('reads that fail for a while are made good once they succeed again', async () => {
  const { own, errors } = openHub()
  const stream = own.subscribe(inboxOf('outage'), null)
  await next(stream)
  const update = next(stream)
  await sendNotes(carillon, ['outage'])
  await carillon.sql.query('revoke select on notification from carillon_app')
  try {
    own.moved([inboxOf('outage')])
    await until('a read has failed', () => errors.length > 0)
    expect(errors[0]?.message).toContain('permission denied')
  } finally {
    await carillon.sql.query('grant select on notification to carillon_app')
  }
  expect(versions([await update])).toEqual([1])
  own.close()
})

test('a hundred subscribers see their own inbox, all of it, and nothing of another', async () => {
  const random = randomOfRun('hub interleaving')
  const ids = Array.from({ length: 100 }, (_, index) => `reader-${index}`)
  const sent = new Map<string, number>(ids.map((id) => [id, 0]))
  let over = false
  const readers = ids.map(async (id) => {
    const seen = new Map<string, number>()
    let cursor = 0
    let stream = subscribe(id, cursor)
    while (!(over && cursor === sent.get(id))) {
      const { changed, version, resync } = await next(stream)
      expect(resync).toBe(false)
      for (const row of changed) {
        expect([row.tenantId, row.recipientId]).toEqual([carillon.tenantId, id])
        expect(row.inboxVersion).toBeGreaterThan(cursor)
        seen.set(row.id, Number(row.inboxVersion))
        cursor = Number(row.inboxVersion)
      }
      cursor = version
      // Some are slow, some come back anew.
      if (random.chance(0.2)) for (let turn = random.below(20); turn > 0; turn -= 1) await new Promise(setImmediate)
      if (random.chance(0.2)) {
        await stream.return?.()
        stream = subscribe(id, cursor)
      }
    }
    await stream.return?.()
    return { id, seen }
  })
  for (let round = 0; round < 40; round += 1) {
    const touched = random.sample(ids, 1 + random.below(40))
    await sendNotes(carillon, touched)
    for (const id of touched) sent.set(id, (sent.get(id) ?? 0) + 1)
    for (const id of random.sample(touched, 5)) {
      const { version } = await markInbox(carillon.app, inboxOf(id), { action: 'read', filter: { read: false } })
      sent.set(id, version)
    }
  }
  over = true
  // Whoever is up to date already is waiting: one more note to each lets it see that it is over.
  for (const id of ids) sent.set(id, (sent.get(id) ?? 0) + 1)
  await sendNotes(carillon, ids)
  for (const { id, seen } of await Promise.all(readers)) {
    const { rows } = await carillon.sql.query<{ id: string; version: string }>(
      'select id, inbox_version as version from notification where recipient_id = $1',
      [id],
    )
    expect(seen).toEqual(new Map(rows.map((row) => [row.id, Number(row.version)])))
  }
}, 60_000)
