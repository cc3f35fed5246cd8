import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { type Peer, startPeer } from '../support/peer.ts'
import { audienceOf, peerConfig } from '../support/peer-config.ts'
import { randomOfRun } from '../support/random.ts'
import { until } from '../support/until.ts'

/*
 * One process answers, another plans a broadcast, is killed in the middle of it, and a third goes on. All the while
 * single triggers come in, half of them for recipients of the broadcast.
 */

const AUDIENCE = 10_000
const CALLERS = 4
const QUIET_MS = 2_500
const WARM_UP_MS = 1_500
const SECRET_KEY = 'a-secret-key-for-faults-of-32-characters'

let carillon: TestCarillon
let [door, worker, successor]: Peer[] = []
beforeAll(async () => {
  const shared = {
    secretKey: SECRET_KEY,
    leaseFor: '2s',
    pager: { kind: 'played', temporary: 0, permanent: 0, withinMs: 1 },
  } as const
  carillon = await startCarillon(peerConfig(shared), { ...shared, bus: 'postgres' })
  const settings = { ...shared, databaseUrl: carillon.databaseUrl, worker: false }
  ;[door, worker, successor] = await Promise.all([
    startPeer(settings),
    startPeer({ ...settings, worker: true }),
    startPeer(settings),
  ])
}, 90_000)
afterAll(async () => {
  await Promise.all([door, worker, successor].map((peer) => peer?.end('SIGKILL')))
  await carillon.close()
})

const TRIGGER = 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id status } } }'

interface Sample {
  readonly at: number
  readonly ms: number
}
const p99 = (samples: readonly Sample[]): number => {
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
}
const p50 = (samples: readonly Sample[]): number =>
  samples.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN

test('single triggers are answered as ever while ten thousand are planned, each once, although the planner is killed on the way', async () => {
  const random = randomOfRun('broadcast')
  const audience = audienceOf(AUDIENCE)
  const ask = async (input: Record<string, unknown>) => {
    const { data, errors } = await (door as Peer).ask(carillon.backendKey, TRIGGER, { input })
    expect(errors).toEqual([])
    return data.trigger.event
  }
  const samples: Sample[] = []
  let over = false
  const callSingly = async (caller: number): Promise<void> => {
    for (let n = 0; !over; n += 1) {
      const at = performance.now()
      await ask({
        notificationKey: 'note',
        idempotencyKey: `single-${caller}-${n}`,
        payload: { n },
        recipients: [{ id: random.chance(0.5) ? random.pick(audience) : `other-${random.below(10_000)}` }],
      })
      samples.push({ at, ms: performance.now() - at })
      await delay(random.below(10))
    }
  }
  const callers = Promise.all(Array.from({ length: CALLERS }, (_, caller) => callSingly(caller)))
  const planned = async (): Promise<number> => {
    const { rows } = await carillon.sql.query<{ planned: number }>(
      `select planned_recipient_count as planned from event where notification_key = 'broadcast'`,
    )
    return rows[0]?.planned ?? 0
  }
  await delay(WARM_UP_MS)
  const quiet = [performance.now()]
  await delay(QUIET_MS)

  const begun = performance.now()
  const event = await ask({
    notificationKey: 'broadcast',
    idempotencyKey: 'to-all',
    payload: { count: AUDIENCE },
  })
  expect(event.status).toBe('PLANNING')
  await until('half of it is planned', async () => (await planned()) >= AUDIENCE / 2, { every: 10 })
  await worker?.end('SIGKILL')
  const killed = performance.now()
  const left = await planned()
  expect(left).toBeLessThan(AUDIENCE)
  successor?.work()
  await until('another goes on', async () => (await planned()) > left, { every: 10 })
  const resumed = performance.now()
  await until('all of it is planned', async () => (await planned()) === AUDIENCE, { every: 10 })
  const ended = performance.now()

  await delay(QUIET_MS)
  over = true
  await callers
  const within = (from: number, to: number) => samples.filter(({ at, ms }) => at + ms >= from && at <= to)
  const without = [...within(quiet[0] as number, begun), ...within(ended + 250, Number.POSITIVE_INFINITY)]
  const during = [...within(begun, killed), ...within(resumed, ended)]
  const ratio = p99(during) / p99(without)
  const planning = killed - begun + (ended - resumed)
  process.stdout.write(
    `broadcast: ${AUDIENCE} recipients planned in ${(planning / 1_000).toFixed(1)} s; singles without it p50 ${p50(without).toFixed(0)} p99 ${p99(without).toFixed(0)} ms (${without.length}), during it p50 ${p50(during).toFixed(0)} p99 ${p99(during).toFixed(0)} ms (${during.length}): p99 ratio ${ratio.toFixed(2)}\n`,
  )
  expect(ratio).toBeLessThan(5)

  const { rows } = await carillon.sql.query(
    `select e.status, e.planned_recipient_count as planned, count(n.id)::int4 as notifications, count(distinct n.recipient_id)::int4 as recipients
     from event e join notification n on (n.tenant_id, n.event_id) = (e.tenant_id, e.id)
     where e.notification_key = 'broadcast' group by e.tenant_id, e.id`,
  )
  expect(rows).toEqual([{ status: 'planned', planned: AUDIENCE, notifications: AUDIENCE, recipients: AUDIENCE }])
  expect(await brokenInvariants(carillon.sql)).toEqual([])
  expect([door, successor].flatMap((peer) => peer?.failures)).toEqual([])
}, 90_000)
