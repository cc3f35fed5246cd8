import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { type Peer, startPeer } from '../support/peer.ts'
import { audienceOf, peerConfig } from '../support/peer-config.ts'
import { type Random, randomOfRun } from '../support/random.ts'
import { until } from '../support/until.ts'

/*
 * One process answers, another plans a broadcast, is killed in the middle of it, and a third goes on. All the while
 * single triggers come in, half of them for recipients of the broadcast.
 */

const AUDIENCE = 10_000
const CALLERS = 6
const QUIET_MS = 2_000
const WARM_UP_MS = 1_000
/** How much longer a single may take at the 99th percentile while a broadcast is planned. */
const WORST_RATIO = 5
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
const percentile = (samples: readonly Sample[], part: number): number =>
  samples.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(samples.length * part)] ?? Number.NaN

/** What singles were like while nothing else went on, and while a broadcast was planned. */
interface Round {
  readonly without: readonly Sample[]
  readonly during: readonly Sample[]
  readonly planningMs: number
}

const ask = async (input: Record<string, unknown>) => {
  const { data, errors } = await (door as Peer).ask(carillon.backendKey, TRIGGER, { input })
  expect(errors).toEqual([])
  return data.trigger.event
}

/** Plans one broadcast while singles come in, with quiet before and after. `disturb` is called half-way. */
const runRound = async (name: string, random: Random, disturb: () => Promise<void>): Promise<Round> => {
  const audience = audienceOf(AUDIENCE)
  const samples: Sample[] = []
  let over = false
  const callSingly = async (caller: number): Promise<void> => {
    for (let n = 0; !over; n += 1) {
      const at = performance.now()
      await ask({
        notificationKey: 'note',
        idempotencyKey: `${name}-${caller}-${n}`,
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
      'select planned_recipient_count as planned from event where idempotency_key = $1',
      [name],
    )
    return rows[0]?.planned ?? 0
  }
  await delay(WARM_UP_MS)
  const quiet = performance.now()
  await delay(QUIET_MS)

  const begun = performance.now()
  const event = await ask({ notificationKey: 'broadcast', idempotencyKey: name, payload: { count: AUDIENCE } })
  expect(event.status).toBe('PLANNING')
  await until('half of it is planned', async () => (await planned()) >= AUDIENCE / 2, { every: 10 })
  await disturb()
  const disturbed = performance.now()
  const left = await planned()
  expect(left).toBeLessThan(AUDIENCE)
  await until('it goes on', async () => (await planned()) > left, { every: 10 })
  const resumed = performance.now()
  await until('all of it is planned', async () => (await planned()) === AUDIENCE, { every: 10 })
  const ended = performance.now()

  await delay(QUIET_MS)
  over = true
  await callers
  const within = (from: number, to: number) => samples.filter(({ at, ms }) => at + ms >= from && at <= to)
  return {
    without: [...within(quiet, begun), ...within(ended + 250, Number.POSITIVE_INFINITY)],
    during: [...within(begun, disturbed), ...within(resumed, ended)],
    planningMs: disturbed - begun + (ended - resumed),
  }
}

const describeRound = ({ without, during, planningMs }: Round): string => {
  const figures = (samples: readonly Sample[]) =>
    `p50 ${percentile(samples, 0.5).toFixed(0)} p99 ${percentile(samples, 0.99).toFixed(0)} ms (${samples.length})`
  return `broadcast: ${AUDIENCE} recipients planned in ${(planningMs / 1_000).toFixed(1)} s; singles without it ${figures(without)}, during it ${figures(during)}: p99 ratio ${ratioOf({ without, during }).toFixed(2)}\n`
}

const ratioOf = ({ without, during }: Pick<Round, 'without' | 'during'>): number =>
  percentile(during, 0.99) / percentile(without, 0.99)

test('ten thousand are planned, each once, although the planner is killed on the way, and singles are answered as ever', async () => {
  const random = randomOfRun('broadcast')
  const rounds = [
    await runRound('to-all-0', random, async () => {
      await worker?.end('SIGKILL')
      successor?.work()
    }),
  ]
  const best = () => Math.min(...rounds.map(ratioOf))
  // Whatever else this machine does in those seconds is in the figure: a bad one is taken again, twice at most.
  while (best() >= WORST_RATIO && rounds.length < 3) {
    process.stdout.write(describeRound(rounds.at(-1) as Round))
    rounds.push(await runRound(`to-all-${rounds.length}`, random, async () => {}))
  }
  process.stdout.write(describeRound(rounds.at(-1) as Round))
  expect(best()).toBeLessThan(WORST_RATIO)

  const { rows } = await carillon.sql.query(
    `select e.status, e.planned_recipient_count as planned, count(n.id)::int4 as notifications, count(distinct n.recipient_id)::int4 as recipients
     from event e join notification n on (n.tenant_id, n.event_id) = (e.tenant_id, e.id)
     where e.notification_key = 'broadcast' group by e.tenant_id, e.id`,
  )
  const whole = { status: 'planned', planned: AUDIENCE, notifications: AUDIENCE, recipients: AUDIENCE }
  expect(rows).toEqual(rounds.map(() => whole))
  expect(await brokenInvariants(carillon.sql)).toEqual([])
  expect([door, successor].flatMap((peer) => peer?.failures)).toEqual([])
}, 120_000)
