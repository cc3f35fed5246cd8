import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Claim, claimDue } from '../../server/db/sql/claim-due.ts'
import { defineConfig, defineNotifier } from '../../server/index.ts'
import { createWakeRuns } from '../../server/operations/workflows/wake.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { tryOperate } from '../support/operator.ts'
import { report, takesEvents } from '../support/reports.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'
import { movesOf, runOf, trySignal } from '../support/workflows.ts'

/*
 * Three servers on one database, and ten who poke one run at the same instant, at each edge that it has: whoever is
 * first moves it, and nobody else does.
 */

const ROUNDS = 6

const journey = defineNotifier({
  key: 'journey',
  version: 1,
  payload: z.object({}),
  channels: ['in_app', 'pager', 'siren'],
  render: { in_app: () => ({ title: 'Look' }), pager: () => ({}), siren: () => ({}) },
  workflow: {
    key: 'journey',
    version: 1,
    steps: [
      {
        key: 'tell',
        channel: 'in_app',
        next: [{ wait: '1h', signals: ['done', 'notification.read'], onSignal: 'thank', onTimeout: 'call' }],
      },
      {
        key: 'call',
        channel: 'pager',
        next: [
          { on: ['bounced', 'permanent_failure'], to: 'ring' },
          { wait: '1h', signals: ['delivery.bounced'], onSignal: 'ring', onTimeout: 'stop' },
        ],
      },
      { key: 'thank', channel: 'siren' },
      { key: 'ring', channel: 'siren' },
    ],
  },
})

const clock = new TestClock()
const pager = scripted('pager', takesEvents)
const siren = scripted('siren')
const config = defineConfig({ notifiers: [journey], adapters: { pager, siren } })
let servers: readonly [TestCarillon, TestCarillon, TestCarillon]
beforeAll(async () => {
  const first = await startCarillon(config, { clock })
  const { databaseUrl } = first
  servers = [
    first,
    await startCarillon(config, { clock, databaseUrl }),
    await startCarillon(config, { clock, databaseUrl }),
  ]
})
afterAll(async () => {
  const [first, ...others] = servers
  for (const server of others) await server.close()
  await first.close()
})

const server = (index: number): TestCarillon => servers[index % 3] as TestCarillon

const begin = async (id: string): Promise<void> => {
  await trigger(server(0), { notificationKey: 'journey', payload: {}, recipients: [{ id }] })
}
const read = (index: number, recipientId: string) =>
  server(index).ok(
    server(index).operatorKey,
    'mutation ($recipientId: ID) { markRead(input: { recipientId: $recipientId, filter: {} }) { affectedCount } }',
    { recipientId },
  )
const drainAll = (): Promise<unknown> => Promise.all(servers.map((one) => one.drainJobs()))

const claimWakes = async (): Promise<readonly Claim[]> => {
  const claim = claimDue([{ lane: 'workflow', tenantId: null, places: 200 }], { now: clock.now(), leaseMs: 30_000 })
  return (await server(0).app.db.system.query<Claim>(claim)).rows
}

/** How often a run left a step, and which deliveries came of all of it. */
const outcomeOf = async (recipientId: string) => {
  const run = await runOf(server(0), { recipientId })
  const left = (stepKey: string) =>
    run.transitions.filter(
      (move: { stepKey: string; reason: string; toState: string }) =>
        move.stepKey === stepKey &&
        ['progressed_on_delivery_outcome', 'workflow_stopped', 'workflow_completed'].includes(move.reason),
    ).length
  const { rows } = await server(0).sql.query<{ step_key: string }>(
    'select step_key from delivery where recipient_id = $1 order by position',
    [recipientId],
  )
  return { run, left, steps: rows.map(({ step_key: step }) => step) }
}

test('of ten who end a wait at once, by time, by signal and by reading, one does', async () => {
  const ends = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    const id = `waiting-${round}`
    await begin(id)
    // In every other round nobody but time may end it.
    clock.advance(round % 2 === 0 ? 3_600_000 : 3_599_000)
    const pokes = round % 2 === 0 ? [...servers.map((one) => one.drainJobs())] : []
    await Promise.all([
      ...pokes,
      ...[0, 1, 2, 3].map((index) => trySignal(server(index), { name: 'done', recipientId: id })),
      ...[0, 1, 2].map((index) => read(index, id)),
    ])
    await drainAll()
    const { run, left, steps } = await outcomeOf(id)
    expect(left('tell')).toBe(1)
    expect(steps).toEqual(['tell', steps[1]])
    ends.add(steps[1] ?? '')
    expect(movesOf(run).filter((reason) => reason === 'step_activated')).toHaveLength(2)
  }
  expect(ends).toContain('thank')
  expect(await brokenInvariants(server(0).sql)).toEqual([])
}, 60_000)

test('of ten who end a delivery at once, one moves its run, and the next step is planned once', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const id = `calling-${round}`
    await begin(id)
    clock.advance(3_600_000)
    // The wait is over: the call is planned, and due.
    await createWakeRuns(server(0).app)(await claimWakes())
    const { steps: before } = await outcomeOf(id)
    expect(before).toEqual(['tell', 'call'])
    const { rows } = await server(0).sql.query<{ id: string }>(
      `select id from delivery where recipient_id = $1 and step_key = 'call'`,
      [id],
    )
    const deliveryId = Buffer.from(`Delivery:${rows[0]?.id}`).toString('base64url')
    pager.next(round % 3 === 0 ? { outcome: 'permanent' } : { outcome: 'accepted' })
    await Promise.all([
      drainAll(),
      ...[0, 1, 2, 3].map((index) =>
        report(server(index), 'pager', [{ status: 'bounced', deliveryId, providerEventId: `${round}-${index}` }]),
      ),
      ...[0, 1, 2].map((index) => tryOperate(server(index), 'cancel', deliveryId)),
    ])
    await drainAll()
    const { run, left, steps } = await outcomeOf(id)
    if (run.state === 'CANCELLED') expect(steps).toEqual(['tell', 'call'])
    else {
      expect(steps).toEqual(['tell', 'call', 'ring'])
      expect(left('call')).toBe(1)
    }
  }
  expect(await brokenInvariants(server(0).sql)).toEqual([])
}, 60_000)

test('ten wakes under one lease wake a run once', async () => {
  await begin('woken')
  clock.advance(3_600_000)
  const claims = await claimWakes()
  expect(claims).toHaveLength(1)
  await Promise.all(Array.from({ length: 10 }, (_, index) => createWakeRuns(server(index).app)(claims)))
  const { left, steps } = await outcomeOf('woken')
  expect([left('tell'), steps]).toEqual([1, ['tell', 'call']])
})
