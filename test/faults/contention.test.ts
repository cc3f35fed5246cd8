import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeInboxCursor } from '../../server/core/cursor.ts'
import { encodeNodeId } from '../../server/core/node-id.ts'
import { type InboxChangesRow, readInboxChanges } from '../../server/db/sql/read-inbox-changes.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { type Peer, startPeer } from '../support/peer.ts'
import { type PeerPager, peerConfig } from '../support/peer-config.ts'
import { createRandom, type Random, randomOfRun } from '../support/random.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { until } from '../support/until.ts'

/*
 * Four processes of the whole service on one database, all of them answering and all of them working. What they do
 * overlaps as much as it can: the same few recipients, the same events, the same keys.
 */

const SECONDS = Number(process.env['CARILLON_FAULT_SECONDS'] ?? 8)
const PROCESSES = 4
const CALLERS_EACH = 10
const RECIPIENTS = Array.from({ length: 63 }, (_, index) => `reader-${index}`)
const HOT = RECIPIENTS.slice(0, 3)
// Slower than what comes, now and then, so that there is something to cancel.
const PAGER: PeerPager = { kind: 'played', temporary: 0.1, permanent: 0.03, withinMs: 40 }
const SECRET_KEY = 'a-secret-key-for-faults-of-32-characters'

let carillon: TestCarillon
let peers: readonly Peer[]
beforeAll(async () => {
  const shared = { secretKey: SECRET_KEY, leaseFor: '10s', concurrency: 2 } as const
  carillon = await startCarillon(peerConfig({ pager: PAGER, ...shared }), { ...shared, bus: 'postgres' })
  const settings = { ...shared, databaseUrl: carillon.databaseUrl, pager: PAGER, worker: true }
  peers = await Promise.all(Array.from({ length: PROCESSES }, () => startPeer(settings)))
}, 90_000)
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.end('SIGTERM')))
  await carillon.close()
})

const TRIGGER =
  'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated event { id idempotencyKey recipientCount } } }'
const CANCEL = 'mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { cancelledCount tooLateCount } }'
const SIGNAL = 'mutation ($input: SignalInput!) { signal(input: $input) { deduplicated } }'
const RUNS =
  'query ($state: WorkflowRunState) { workflowRuns(filter: { state: $state }, first: 1) { edges { node { id } } } }'
const CANCEL_RUN =
  'mutation ($input: CancelWorkflowRunInput!) { cancelWorkflowRun(input: $input) { workflowRun { id } } }'
const MARKS = ['markSeen', 'markRead', 'markUnread', 'archive', 'unarchive']

/** Some of the recipients; now and then those that everybody wants. */
const someRecipients = (random: Random): { id: string }[] => {
  const ids = Array.from({ length: 3 }, () => (random.chance(0.3) ? random.pick(HOT) : random.pick(RECIPIENTS)))
  return ids.map((id) => ({ id }))
}

interface Tally {
  triggers: number
  marks: number
  cancelled: number
  tooLate: number
  signals: number
  cancelledRuns: number
  readonly faults: string[]
}

/** One caller: it does this and that at one process until the time is over. */
const call = async (name: string, peer: Peer, { random, tally }: { random: Random; tally: Tally }): Promise<void> => {
  const events: string[] = []
  const inputs: Record<string, unknown>[] = []
  const end = performance.now() + SECONDS * 1_000
  const ask = async (query: string, input: unknown) => {
    const { data, errors } = await peer.ask(carillon.operatorKey, query, { input })
    if (errors.length > 0) tally.faults.push(`${name}: ${JSON.stringify(errors)}`)
    return data
  }
  for (let n = 0; performance.now() < end; n += 1) {
    const what = random.next()
    if (what < 0.55 || events.length === 0) {
      const input = {
        notificationKey: random.chance(0.1) ? 'journey' : random.chance(0.8) ? 'order.placed' : 'note',
        idempotencyKey: `${name}-${n}`,
        payload: { n },
        recipients: someRecipients(random),
      }
      const data = await ask(TRIGGER, input)
      if (data) events.push(data.trigger.event.id)
      inputs.push(input)
      tally.triggers += 1
    } else if (what < 0.6) {
      const data = await ask(TRIGGER, random.pick(inputs))
      if (data && !data.trigger.deduplicated) tally.faults.push(`${name}: a repeat made another event`)
    } else if (what < 0.63) {
      const recipientId = random.chance(0.3) ? random.pick(HOT) : random.pick(RECIPIENTS)
      await ask(SIGNAL, { name: 'done', recipientId })
      tally.signals += 1
    } else if (what < 0.64) {
      const state = random.pick(['ACTIVE', 'WAITING'])
      const { data } = await peer.ask(carillon.operatorKey, RUNS, { state })
      const run = data?.workflowRuns.edges[0]?.node
      if (!run) continue
      const cancel = { input: { workflowRunId: run.id, reason: 'enough' } }
      const { errors } = await peer.ask(carillon.operatorKey, CANCEL_RUN, cancel)
      // Others move it on meanwhile; whoever comes too late is told so.
      const others = errors.filter(({ extensions }) => extensions['code'] !== 'INVALID_STATE')
      if (others.length > 0) tally.faults.push(`${name}: ${JSON.stringify(others)}`)
      else if (errors.length === 0) tally.cancelledRuns += 1
    } else if (what < 0.85) {
      const recipientId = random.chance(0.3) ? random.pick(HOT) : random.pick(RECIPIENTS)
      const query = `mutation ($input: InboxSelectionInput!) { ${random.pick(MARKS)}(input: $input) { affectedCount } }`
      await ask(query, { recipientId, filter: random.chance(0.5) ? {} : { read: false } })
      tally.marks += 1
    } else {
      const recent = events.slice(-3)
      const data = await ask(CANCEL, { eventId: random.pick(recent) })
      tally.cancelled += data?.cancelEvent.cancelledCount ?? 0
      tally.tooLate += data?.cancelEvent.tooLateCount ?? 0
    }
  }
}

interface Following {
  /** The version at which each notification was last seen. */
  readonly seen: ReadonlyMap<string, number>
  readonly faults: readonly string[]
}

/** Reads all inboxes by cursor, over and over, as the hub does. */
const followBySql = async (over: () => boolean): Promise<Following & { readonly reads: number }> => {
  const cursors = new Map(RECIPIENTS.map((id) => [id, 0]))
  const seen = new Map<string, number>()
  const faults: string[] = []
  let reads = 0
  for (let last = false; ; last = over()) {
    const wanted = [...cursors].map(([recipientId, after]) => ({ tenantId: carillon.tenantId, recipientId, after }))
    const { rows } = await carillon.app.db.system.query<InboxChangesRow>(readInboxChanges(wanted))
    reads += 1
    const changed = rows.filter((row) => row.id !== null)
    for (const row of changed) {
      const { recipientId, id, inboxVersion } = row as { recipientId: string; id: string; inboxVersion: number }
      const cursor = cursors.get(recipientId) ?? Number.POSITIVE_INFINITY
      if (inboxVersion <= cursor) faults.push(`${recipientId}: ${inboxVersion} came after ${cursor}`)
      if (inboxVersion > Number(row.version)) faults.push(`${recipientId}: ${inboxVersion} is ahead of ${row.version}`)
      cursors.set(recipientId, inboxVersion)
      seen.set(id, inboxVersion)
    }
    if (last && changed.length === 0) return { seen, faults, reads }
    await delay(5)
  }
}

const UPDATES = `subscription ($after: InboxCursor) {
  inboxUpdates(after: $after) { cursor resync counts { total unread unseen } changed { id seenAt readAt archivedAt } }
}`

/** Follows one inbox over sockets, from process to process, each time from the cursor it had got to. */
const followBySocket = async (recipientId: string, random: Random, over: () => boolean) => {
  const token = await carillon.tokenFor(recipientId)
  const cursorNow = async (): Promise<string> => (await carillon.ok(token, '{ inbox { cursor } }')).inbox.cursor
  const items = new Map<string, unknown>()
  let after = encodeInboxCursor({ tenantId: carillon.tenantId, recipientId }, 0)
  let counts: unknown
  let updates = 0
  for (let last = false; ; last = over()) {
    const socket = await openRawSocket(random.pick(peers).wsUrl, { token })
    socket.subscribe('1', UPDATES, { after })
    const wanted = 1 + random.below(20)
    await until('it has got some updates', () => over() || socket.answers('1').length >= wanted, { within: 60_000 })
    // With the last connection of all, up to what there is.
    if (last) {
      const end = await cursorNow()
      await until('it is up to date', () => socket.answers('1').at(-1)?.payload.data.inboxUpdates.cursor === end)
    }
    await socket.end()
    for (const { payload } of socket.answers('1')) {
      const update = payload.data.inboxUpdates
      expect(update.resync).toBe(false)
      for (const { id, ...marks } of update.changed) items.set(id, marks)
      after = update.cursor
      counts = update.counts
      updates += 1
    }
    if (last) return { recipientId, items, counts, updates }
  }
}

/** An inbox as the database has it, in the words of a follower. */
const storedInbox = async (recipientId: string) => {
  const { rows } = await carillon.sql.query(
    `select id, seen_at as "seenAt", read_at as "readAt", archived_at as "archivedAt" from notification
     where recipient_id = $1 and inbox_version is not null`,
    [recipientId],
  )
  const { rows: counts } = await carillon.sql.query('select total, unread, unseen from inbox where recipient_id = $1', [
    recipientId,
  ])
  const items = rows.map(
    ({ id, ...marks }) => [encodeNodeId('Notification', id), JSON.parse(JSON.stringify(marks))] as const,
  )
  return { items: new Map<string, unknown>(items), counts: counts[0] }
}

test('triggers, marks, settlements and cancellations from four processes never deadlock, and leave every count and version right', async () => {
  const random = randomOfRun('contention')
  const tally: Tally = { triggers: 0, marks: 0, cancelled: 0, tooLate: 0, signals: 0, cancelledRuns: 0, faults: [] }
  let over = false
  const isOver = () => over
  const reader = followBySql(isOver)
  const followers = [...HOT, ...random.sample(RECIPIENTS.slice(3), 3)].map((id) => followBySocket(id, random, isOver))
  const callers = peers.flatMap((peer, process) =>
    Array.from({ length: CALLERS_EACH }, (_, caller) => call(`p${process}c${caller}`, peer, { random, tally })),
  )
  const calls = Promise.all(callers)
  let busy = true
  void calls.finally(() => {
    busy = false
  })
  while (busy) {
    expect(await brokenInvariants(carillon.sql)).toEqual([])
    await Promise.race([calls, delay(1_500)])
  }
  await calls
  await until('all is carried out', async () => (await carillon.sql.query('select from due limit 1')).rowCount === 0, {
    within: 60_000,
  })
  over = true
  const { seen, faults, reads } = await reader
  const followed = await Promise.all(followers)

  expect(tally.faults).toEqual([])
  expect(peers.flatMap(({ failures }) => failures)).toEqual([])
  expect(await brokenInvariants(carillon.sql)).toEqual([])
  expect(faults).toEqual([])
  const { rows: items } = await carillon.sql.query<{ id: string; version: string }>(
    'select id, inbox_version as version from notification where inbox_version is not null',
  )
  expect(seen).toEqual(new Map(items.map(({ id, version }) => [id, Number(version)])))
  for (const { recipientId, items, counts } of followed) {
    const stored = await storedInbox(recipientId)
    expect(counts).toEqual(stored.counts)
    const differing = [...new Set([...items.keys(), ...stored.items.keys()])]
      .filter((id) => JSON.stringify(items.get(id)) !== JSON.stringify(stored.items.get(id)))
      .map((id) => ({ id, pushed: items.get(id), stored: stored.items.get(id) }))
    expect(differing).toEqual([])
  }
  const updates = followed.reduce((sum, one) => sum + one.updates, 0)
  process.stdout.write(
    `contention: ${SECONDS} s, ${(tally.triggers / SECONDS).toFixed(0)} triggers/s, ${tally.marks} marks, ${tally.cancelled} deliveries cancelled, ${tally.tooLate} too late; ${tally.signals} signals, ${tally.cancelledRuns} runs cancelled; ${items.length} items, ${reads} cursor reads, ${updates} updates pushed\n`,
  )
  expect(tally.cancelled).toBeGreaterThan(0)
}, 150_000)

test('fifty clients with twenty keys and two bodies a key make twenty events; the rest are repeats and conflicts', async () => {
  const random = randomOfRun('idempotency')
  const keys = Array.from({ length: 20 }, (_, index) => `contended-${index}`)
  const clients = Array.from({ length: 50 }, (_, client) => {
    const requests = random.sample(keys, keys.length).map((idempotencyKey) => ({
      notificationKey: 'order.placed',
      idempotencyKey,
      payload: { n: random.below(2) },
      recipients: someRecipients(createRandom(keys.indexOf(idempotencyKey))),
    }))
    return { peer: peers[client % PROCESSES] as Peer, requests }
  })
  const outcomes = await Promise.all(
    clients.map(async ({ peer, requests }) => {
      const asked = requests.map(async (input) => {
        const { data, errors } = await peer.ask(carillon.operatorKey, TRIGGER, { input })
        const [error] = errors
        return {
          key: input.idempotencyKey,
          n: input.payload.n,
          outcome: error ? String(error.extensions['code']) : data.trigger.deduplicated ? 'repeated' : 'created',
          eventId: error ? error.extensions['eventId'] : data.trigger.event.id,
        }
      })
      return Promise.all(asked)
    }),
  )
  const all = outcomes.flat()
  const count = (outcome: string) => all.filter((one) => one.outcome === outcome).length
  process.stdout.write(
    `idempotency: ${all.length} requests, ${count('created')} created, ${count('repeated')} repeated, ${count('IDEMPOTENCY_CONFLICT')} conflicts\n`,
  )
  expect(count('created')).toBe(20)
  expect(count('created') + count('repeated') + count('IDEMPOTENCY_CONFLICT')).toBe(1_000)
  for (const key of keys) {
    const own = all.filter((one) => one.key === key)
    const first = own.find(({ outcome }) => outcome === 'created')
    for (const { n, outcome, eventId } of own) {
      expect(eventId).toBe(first?.eventId)
      expect(outcome === 'IDEMPOTENCY_CONFLICT').toBe(n !== first?.n)
    }
  }
  const { rows } = await carillon.sql.query<{ count: number }>(
    `select count(*)::int4 from event where idempotency_key like 'contended-%'`,
  )
  expect(rows[0]?.count).toBe(20)
  expect(await brokenInvariants(carillon.sql)).toEqual([])
}, 60_000)

test('after all of that the database has counted no deadlock', async () => {
  const exits = await Promise.all(peers.map((peer) => peer.end('SIGTERM')))
  expect(exits).toEqual(peers.map(() => ({ code: 0, signal: null })))
  const { rows } = await carillon.sql.query<{ deadlocks: number }>(
    'select deadlocks::int4 from pg_stat_database where datname = current_database()',
  )
  expect(rows).toEqual([{ deadlocks: 0 }])
  expect(peers.flatMap(({ failures }) => failures)).toEqual([])
})
