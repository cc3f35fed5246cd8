import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { applyMigrations } from '../../prisma/migrate.ts'
import { defineConfig, defineNotifier, secret } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { earlierDatabase, migrationNames, type Rows, readRows } from '../support/earlier-states.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { type ScriptedAdapter, scripted } from '../support/scripted-adapter.ts'
import { subscribe } from '../support/settings.ts'
import { trigger } from '../support/trigger.ts'

/*
 * What waits for hours is what an upgrade finds: open digests, runs of workflows, scheduled events with sealed payloads,
 * audiences by topic.
 */

const NAMES = await migrationNames()
/** The first that can hold all of it. */
const WHOLE = NAMES.findIndex((name) => name.endsWith('_workflows'))
const EARLIER = NAMES.slice(WHOLE, -1).map((name, index) => ({ name, names: NAMES.slice(0, WHOLE + index + 1) }))

const NOW = '2026-03-02T09:00:00.000Z'
const HOUR = 3_600_000

const configOf = (pager: ScriptedAdapter, siren: ScriptedAdapter) =>
  defineConfig({
    notifiers: [
      defineNotifier({
        key: 'comment',
        version: 1,
        payload: z.object({ text: z.string() }),
        channels: ['pager'],
        render: { pager: ({ payload }) => ({ text: payload.text }) },
        digest: { pager: {} },
        renderDigest: { pager: ({ items }) => ({ text: items.map(({ payload }) => payload.text).join() }) },
      }),
      defineNotifier({
        key: 'alert',
        version: 1,
        payload: z.object({}),
        channels: ['in_app', 'siren'],
        render: { in_app: () => ({ title: 'Alert' }), siren: () => ({ text: 'alert' }) },
        workflow: {
          key: 'alert',
          version: 1,
          steps: [
            { key: 'show', channel: 'in_app', next: [{ wait: '1h', signals: ['acknowledged'], onTimeout: 'ring' }] },
            { key: 'ring', channel: 'siren' },
          ],
        },
      }),
      defineNotifier({
        key: 'code',
        version: 1,
        payload: z.object({ code: secret(z.string()) }),
        channels: ['pager'],
        render: { pager: ({ payload }) => ({ text: payload.code }) },
      }),
    ],
    adapters: { pager, siren },
    digestRules: [
      {
        key: 'hourly',
        version: 1,
        channel: 'pager',
        matchNotificationKey: 'comment',
        groupBy: 'notification_key',
        window: { kind: 'fixed', minutes: 60 },
      },
    ],
  })

let scratch: string
let rows: Rows
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'carillon-upgrade-'))
  const carillon = await startCarillon(configOf(scripted('pager'), scripted('siren')), { clock: new TestClock(NOW) })
  const send = (notificationKey: string, payload: object, more: object = {}) =>
    trigger(carillon, { notificationKey, payload, recipients: [{ id: 'ada' }], ...more })
  for (const text of ['one', 'two']) await send('comment', { text })
  await send('alert', {}, { recipients: [{ id: 'ada' }, { id: 'bob' }] })
  await subscribe(carillon, 'everybody', ['ada', 'bob', 'cleo'])
  const later = { recipients: [], topics: ['everybody'], sendAt: '2026-03-02T10:30:00.000Z' }
  await send('code', { code: '4711' }, later)
  await carillon.drainJobs()
  rows = await readRows(carillon.sql)
  await carillon.close()
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const SIGNAL = 'mutation ($input: SignalInput!) { signal(input: $input) { __typename } }'
const acknowledge = (carillon: TestCarillon, recipientId: string) =>
  carillon.ok(carillon.backendKey, SIGNAL, {
    input: { name: 'acknowledged', recipientId, idempotencyKey: recipientId },
  })
const heardBy = ({ calls }: ScriptedAdapter) =>
  calls.map(({ recipient, content }) => `${recipient.id} ${(content as { text: string }).text}`).sort()

test.each(EARLIER)(
  'what waited in a database as $name left it goes on after the upgrade: digests, runs, signals, topics, sealed payloads',
  async ({ names }) => {
    const database = await earlierDatabase(names, { rows, scratch })
    expect(await applyMigrations(database.url)).toEqual(NAMES.slice(names.length))
    expect(await brokenInvariants(database.sql)).toEqual([])
    const [pager, siren] = [scripted('pager'), scripted('siren')]
    const clock = new TestClock(NOW)
    const carillon = await startCarillon(configOf(pager, siren), { clock, databaseUrl: database.url })
    await trigger(carillon, { notificationKey: 'comment', payload: { text: 'three' }, recipients: [{ id: 'ada' }] })
    await acknowledge(carillon, 'bob')
    await carillon.drainJobs()
    expect([...pager.calls, ...siren.calls]).toEqual([])

    clock.advance(HOUR)
    await carillon.drainJobs()
    expect(heardBy(pager)).toEqual(['ada one,two,three'])
    expect(heardBy(siren)).toEqual(['ada alert'])
    clock.advance(HOUR)
    await carillon.drainJobs()
    expect(heardBy(pager)).toEqual(['ada 4711', 'ada one,two,three', 'bob 4711', 'cleo 4711'])
    expect(await brokenInvariants(database.sql)).toEqual([])
    await carillon.close()
    await database.drop()
  },
  60_000,
)
