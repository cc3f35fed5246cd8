import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { idOfType } from '../../../server/core/node-id.ts'
import { startCarillon } from '../../support/carillon.ts'
import { report, reportsOf } from '../../support/reports.ts'
import { again, carillon, clock, config, open, outcomesOf, sent } from './service.ts'

beforeAll(open)
afterAll(() => carillon.close())

describe('how often', () => {
  test('one report, fifty times at once and over two processes, has one effect', async () => {
    const before = await sent()
    const second = await startCarillon(config, { clock, databaseUrl: carillon.databaseUrl })
    try {
      const events = [
        { status: 'delivered', deliveryId: before.id, providerEventId: 'repeated-1' },
        { status: 'complained', deliveryId: before.id, providerEventId: 'repeated-2' },
      ]
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          report(index % 2 ? carillon : second, 'mail', index % 4 < 2 ? events : events.toReversed()),
        ),
      )
      expect(new Set(answers)).toEqual(new Set([204]))
      await Promise.all([carillon.drainJobs(), second.drainJobs()])
      expect(
        outcomesOf(await again(before))
          .slice(1)
          .toSorted(),
      ).toEqual([
        ['feedback', 'REJECTED', 'permanent'],
        ['feedback', 'SUCCEEDED', null],
      ])
      expect(await reportsOf(carillon, { deliveryId: before.id })).toHaveLength(2)
      // And again, when it has long been carried out.
      expect(await report(carillon, 'mail', events)).toBe(204)
      expect(await carillon.drainJobs()).toBe(0)
    } finally {
      await second.close()
    }
  })

  test('the same id of two adapters, and of two tenants, are two reports', async () => {
    const event = { status: 'delivered', providerEventId: 'common' }
    await carillon.addTenant('neighbour')
    for (const [adapter, tenant] of [
      ['mail', 'acme'],
      ['pager', 'acme'],
      ['mail', 'neighbour'],
    ]) {
      expect(await report(carillon, adapter as string, [event], tenant)).toBe(204)
    }
    const { rows } = await carillon.sql.query(
      `select count(*)::int from webhook_ingress where provider_event_id = 'common'`,
    )
    expect(rows).toEqual([{ count: 3 }])
  })

  test('a batch may hold an event twice, and a thousand of them', async () => {
    const before = await sent()
    const events = Array.from({ length: 1_000 }, (_, index) => ({
      status: 'delivered',
      deliveryId: before.id,
      providerEventId: `many-${index % 500}`,
    }))
    expect(await report(carillon, 'mail', events)).toBe(204)
    await carillon.drainJobs()
    const { rows } = await carillon.sql.query(
      `select count(*)::int as attempts, max(attempt_number) as last from delivery_attempt where delivery_id = $1`,
      [idOfType('Delivery', before.id)],
    )
    expect(rows).toEqual([{ attempts: 501, last: 501 }])
  })

  test('a hundred reports take as many statements as one, to accept and to carry out', async () => {
    const statements = async (size: number) => {
      const deliveries = []
      for (let index = 0; index < size; index++) deliveries.push(await sent())
      const counted = countStatements()
      const events = deliveries.map(({ id }) => ({ status: 'delivered', deliveryId: id }))
      expect(await report(carillon, 'mail', events)).toBe(204)
      const accepted = counted()
      await carillon.drainJobs()
      return [accepted, counted() - accepted]
    }
    const one = await statements(1)
    expect(await statements(40)).toEqual(one)
  })
})

const countStatements = (): (() => number) => {
  let statements = 0
  for (const pool of [carillon.app.db.system, carillon.app.db.tenant]) {
    const watched = new WeakSet()
    pool.on('acquire', (client) => {
      if (watched.has(client)) return
      watched.add(client)
      const query = client.query.bind(client)
      client.query = ((...args: Parameters<typeof query>) => {
        statements += 1
        return query(...args)
      }) as typeof client.query
    })
  }
  return () => statements
}

test('in whatever order four reports come, the delivery ends the same', async () => {
  const statuses = ['delivered', 'failed', 'bounced', 'complained']
  const orders = (items: readonly string[]): string[][] =>
    items.length < 2
      ? [[...items]]
      : items.flatMap((item) => orders(items.filter((one) => one !== item)).map((rest) => [item, ...rest]))
  const ends = new Set<string>()
  for (const [index, order] of orders(statuses).entries()) {
    const before = await sent(undefined, { outcome: 'temporary', retryAfterMs: 60_000 })
    const events = order.map((status) => ({ status, deliveryId: before.id }))
    // One by one, and all at once.
    for (const batch of index % 2 ? [events] : events.map((event) => [event])) {
      await report(carillon, 'mail', batch)
      await carillon.drainJobs()
    }
    const { status, suppressionReason } = await again(before)
    ends.add(`${status} ${suppressionReason}`)
  }
  expect([...ends]).toEqual(['CANCELLED bounced'])
})

test('a report that cannot be carried out is tried eight times, given up with its reason, and holds up no other', async () => {
  const poisoned = await sent()
  const healthy = await sent()
  const id = idOfType('Delivery', poisoned.id)
  await carillon.sql.query(`
    create function poison() returns trigger language plpgsql as $$ begin
      if new.source = 'feedback' and new.delivery_id = '${id}' then raise exception 'the row of r@example.test is poisoned'; end if;
      return new;
    end $$;
    create trigger poison before insert on delivery_attempt for each row execute function poison()`)
  try {
    const failures: boolean[] = []
    const stop = carillon.app.telemetry.on('report.failed', ({ givenUp }) => void failures.push(givenUp))
    const events = [poisoned, healthy].map(({ id: deliveryId }) => ({ status: 'delivered', deliveryId }))
    expect(await report(carillon, 'mail', events)).toBe(204)
    await carillon.drainJobs()
    expect((await again(healthy)).attempts).toHaveLength(2)
    for (let tries = 1; tries < 8; tries++) {
      expect(await reportsOf(carillon, { deliveryId: poisoned.id })).toMatchObject([{ state: 'QUEUED' }])
      clock.advance(900_000)
      await carillon.drainJobs()
    }
    expect(failures).toEqual([...Array.from({ length: 7 }, () => false), true])
    expect(await reportsOf(carillon, { deliveryId: poisoned.id })).toMatchObject([
      { state: 'FAILED', ignoredReason: 'the row of [removed] is poisoned' },
    ])
    expect(await again(poisoned)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ source: 'call' }] })
    clock.advance(86_400_000)
    await carillon.drainJobs()
    expect(failures).toHaveLength(8)
    stop()
  } finally {
    await carillon.sql.query('drop trigger poison on delivery_attempt; drop function poison()')
  }
})
