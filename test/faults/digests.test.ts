import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeNodeId } from '../../server/core/node-id.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { buckets, flush } from '../support/digests.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { type Peer, type PeerSettings, startPeer } from '../support/peer.ts'
import { type PeerPager, peerConfig } from '../support/peer-config.ts'
import { createRandom, type Random, randomOfRun } from '../support/random.ts'
import { until } from '../support/until.ts'

/*
 * Processes put remarks into the buckets of fifty readers, close these by hand and for being full, and send what
 * comes of it, while remarks are read, cancelled and let go one by one, and process after process is killed.
 */

const AT_LENGTH = process.env['CARILLON_FAULT_SECONDS']
const SECONDS = Number(AT_LENGTH ?? 6)
const PROCESSES = AT_LENGTH ? 8 : 4
const CALLERS_EACH = 3
const READERS = Array.from({ length: 50 }, (_, index) => `reader-${index}`)
const PAGER: PeerPager = { kind: 'played', temporary: 0.1, permanent: 0.03, withinMs: 40 }
const SECRET_KEY = 'a-secret-key-for-faults-of-32-characters'

let carillon: TestCarillon
let settings: PeerSettings
const peers: Peer[] = []
beforeAll(async () => {
  const shared = { secretKey: SECRET_KEY, leaseFor: '2s', concurrency: 2 } as const
  carillon = await startCarillon(peerConfig({ pager: PAGER, ...shared }), { ...shared, bus: 'postgres' })
  settings = { ...shared, databaseUrl: carillon.databaseUrl, pager: PAGER, worker: true }
  // Two at a time: they are slow to start where cores are few.
  while (peers.length < PROCESSES) peers.push(...(await Promise.all([startPeer(settings), startPeer(settings)])))
}, 240_000)
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.end('SIGKILL')))
  await carillon.close()
})

const TRIGGER = 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }'
const CANCEL = 'mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { cancelledCount } }'
const MARK = 'mutation ($input: InboxSelectionInput!) { markRead(input: $input) { affectedCount } }'
const FLUSH = 'mutation ($input: FlushDigestBucketInput!) { flushDigestBucket(input: $input) { bucket { state } } }'
const operation = (action: string) =>
  `mutation ($input: DeliveryActionInput!) { ${action}Delivery(input: $input) { delivery { id } } }`

const tally = { remarks: 0, flushes: 0, cancelled: 0, kills: 0, faults: [] as string[], lastWords: [] as string[] }

/** Asks whichever process stands in a place; where that dies over it, whichever stands in it next. */
const asker = (place: number, over: () => boolean) => async (query: string, variables: Record<string, unknown>) => {
  for (;;) {
    const answer = await (peers[place] as Peer).ask(carillon.operatorKey, query, variables).catch(() => null)
    const [error] = answer?.errors ?? []
    // More processes than cores wait for connections, and say so: what came of the question they cannot tell either.
    if (answer && error?.extensions['code'] !== 'INTERNAL') {
      // The loser of a race is told so.
      if (error && error.extensions['code'] !== 'INVALID_STATE') tally.faults.push(JSON.stringify(answer.errors))
      return answer.data
    }
    if (over()) return null
    await delay(50)
  }
}

const call = async (name: string, place: number, random: Random, over: () => boolean): Promise<void> => {
  const ask = asker(place, over)
  const events: string[] = []
  for (let n = 0; !over(); n++) {
    const what = random.next()
    const recipientId = random.pick(READERS)
    if (what < 0.6 || events.length === 0) {
      const recipients = random.sample(READERS, 3).map((id) => ({ id }))
      const input = { notificationKey: 'remark', idempotencyKey: `${name}-${n}`, payload: { n }, recipients }
      const data = await ask(TRIGGER, { input })
      if (data) events.push(data.trigger.event.id)
      tally.remarks += 1
    } else if (what < 0.7) {
      const data = await ask(CANCEL, { input: { eventId: random.pick(events.slice(-3)) } })
      tally.cancelled += data?.cancelEvent.cancelledCount ?? 0
    } else if (what < 0.8) {
      await ask(MARK, { input: { recipientId, filter: {} } })
    } else {
      const { rows } = await carillon.sql.query<{ bucket_id: string; delivery_id: string }>(
        `select m.bucket_id, m.delivery_id from digest_bucket b join digest_membership m on m.bucket_id = b.id
         where b.recipient_id = $1 and b.state = 'open' and m.resolution is null order by m.position desc limit 1`,
        [recipientId],
      )
      const [held] = rows
      if (!held) continue
      if (what < 0.9) {
        await ask(FLUSH, { input: { bucketId: encodeNodeId('DigestBucket', held.bucket_id), reason: 'in a hurry' } })
        tally.flushes += 1
      } else {
        const deliveryId = encodeNodeId('Delivery', held.delivery_id)
        await ask(operation(random.pick(['cancel', 'resume'])), { input: { deliveryId, reason: 'in a hurry' } })
      }
    }
  }
}

/** Kills one process after the other, and puts another in its place. */
const kill = async (random: Random, over: () => boolean): Promise<void> => {
  while (!over()) {
    const place = random.below(PROCESSES)
    const victim = peers[place] as Peer
    await victim.end('SIGKILL')
    tally.lastWords.push(...victim.failures)
    peers[place] = await startPeer(settings)
    tally.kills += 1
  }
}

test('every remark that was held ends in exactly one digest, or says why not, whoever dies', async () => {
  const random = randomOfRun('digests')
  const end = performance.now() + SECONDS * 1_000
  const over = () => performance.now() > end
  const callers = peers.flatMap((_, place) =>
    Array.from({ length: CALLERS_EACH }, (_, caller) => {
      const name = `p${place}c${caller}`
      return call(name, place, createRandom(random.below(1e9)), over)
    }),
  )
  const work = Promise.all([...callers, kill(random, over)])
  let busy = true
  const ended = () => {
    busy = false
  }
  void work.then(ended, ended)
  while (busy) {
    expect(await brokenInvariants(carillon.sql)).toEqual([])
    await Promise.race([work, delay(1_500)])
  }
  await work
  for (;;) {
    const open = await buckets(carillon, { state: 'OPEN' })
    if (open.length === 0) break
    for (const { id } of open) await flush(carillon, id)
  }
  await until('all is carried out', async () => (await carillon.sql.query('select from due limit 1')).rowCount === 0, {
    within: 60_000,
  })

  // What a process said before it was killed counts, too; that it was slow does not.
  const words = [...peers.flatMap(({ failures }) => failures), ...tally.lastWords]
  expect([...tally.faults, ...words.filter((one) => !/timeout|in the given time/.test(one))]).toEqual([])
  expect(await brokenInvariants(carillon.sql)).toEqual([])
  const { rows: ends } = await carillon.sql.query<{
    status: string
    why: string | null
    in_digests: number
    count: number
  }>(
    `select v.status, coalesce(v.suppression_reason, m.resolution) as why, m.in_digests::int4, count(*)::int4
     from delivery v left join lateral (
       select min(m.resolution) as resolution, count(b.digest_delivery_id) as in_digests from digest_membership m
       left join digest_bucket b on (b.tenant_id, b.id, b.state) = (m.tenant_id, m.bucket_id, 'emitted') and m.resolution = 'included'
       where (m.tenant_id, m.delivery_id) = (v.tenant_id, v.id)
     ) m on true
     where v.channel = 'pager' and v.notification_key = 'remark' group by 1, 2, 3 order by 4 desc`,
  )
  const NAMED = [
    'event_cancelled',
    'cancelled_by_operator',
    'already_read',
    'emitted_immediately',
    'permanent_failure',
    'retries_exhausted',
  ]
  for (const { status, why, in_digests: inDigests } of ends) {
    expect([status, why, inDigests]).toEqual(
      status === 'digested' ? ['digested', 'included', 1] : [status, expect.toBeOneOf(NAMED), 0],
    )
    expect(['digested', 'suppressed', 'cancelled', 'succeeded']).toContain(status)
  }
  const count = (status: string) => ends.filter((row) => row.status === status).reduce((sum, row) => sum + row.count, 0)
  const { rows: digests } = await carillon.sql.query<{ count: number }>(
    `select count(*)::int4 from digest_bucket where state = 'emitted'`,
  )
  const { rows: stats } = await carillon.sql.query<{ deadlocks: number }>(
    'select deadlocks::int4 from pg_stat_database where datname = current_database()',
  )
  process.stdout.write(
    `digests: ${SECONDS} s, ${tally.remarks} remarks, ${count('digested')} in ${digests[0]?.count} digests, ${count('suppressed')} read, ${count('cancelled')} cancelled, ${count('succeeded')} let go; ${tally.flushes} closed by hand, ${tally.kills} kills\n`,
  )
  expect(stats).toEqual([{ deadlocks: 0 }])
  expect(count('digested')).toBeGreaterThan(0)
  expect(tally.kills).toBeGreaterThan(0)
}, 300_000)
