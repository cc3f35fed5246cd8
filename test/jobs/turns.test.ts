import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Claim } from '../../server/db/sql/claim-due.ts'
import { MOST_TENANTS, type WaitingTenantRow } from '../../server/db/sql/read-waiting-tenants.ts'
import { createTurns, type OpenLane, type Turns } from '../../server/jobs/turns.ts'

const LANE = 'sms'

const openLane = (capacity: number, held: Readonly<Record<string, number>> = {}): OpenLane => {
  const taken = Object.values(held).reduce((sum, count) => sum + count, 0)
  return { lane: LANE, limitedBy: LANE, capacity, free: capacity - taken, held: new Map(Object.entries(held)) }
}
const claimOf = (tenant: string): Claim => ({
  tenant_id: tenant,
  kind: 'delivery',
  lane: LANE,
  subject_id: '',
  token: '',
})

/** A queue of one lane: how much of it each tenant has, whoever is next first. */
class Queue {
  readonly depths: Map<string, number>
  constructor(depths: Readonly<Record<string, number>>) {
    this.depths = new Map(Object.entries(depths))
  }
  /** As the statement reads it. */
  ring(after: string): readonly WaitingTenantRow[] {
    const all = [...this.depths.keys()].sort()
    const next = [...all.filter((tenant) => tenant > after), ...all.filter((tenant) => tenant <= after)]
    return next
      .slice(0, MOST_TENANTS)
      .map((tenant) => ({ lane: LANE, tenant_id: tenant, waits: (this.depths.get(tenant) ?? 0) > 0 }))
  }
  take(tenant: string, most: number): readonly Claim[] {
    const depth = this.depths.get(tenant) ?? 0
    const taken = Math.min(depth, most)
    this.depths.set(tenant, depth - taken)
    return Array.from({ length: taken }, () => claimOf(tenant))
  }
}

/** Claims once; answers how many there were of each tenant. */
const claimOnce = (turns: Turns, queue: Queue, lane: OpenLane): Readonly<Record<string, number>> => {
  const after = turns.crowded([lane]).get(LANE)
  const offers = turns.offers([lane], after === undefined ? [] : queue.ring(after))
  const claims = offers.flatMap(({ tenantId, places }) => {
    if (tenantId !== null) return queue.take(tenantId, places)
    // The oldest are of whoever has the most.
    const [oldest = ''] = [...queue.depths].sort(([, a], [, b]) => b - a)[0] ?? []
    return queue.take(oldest, places)
  })
  turns.claimed(offers, claims)
  const counts: Record<string, number> = {}
  for (const { tenant_id: tenant } of claims) counts[tenant] = (counts[tenant] ?? 0) + 1
  return counts
}

test('while there is room for all that is due, nobody asks whose it is', () => {
  const turns = createTurns()
  const queue = new Queue({ a: 9 })
  expect(turns.crowded([openLane(10)]).size).toBe(0)
  expect(turns.offers([openLane(10)], [])).toEqual([{ lane: LANE, tenantId: null, places: 10 }])
  expect(claimOnce(turns, queue, openLane(10))).toEqual({ a: 9 })
  expect(turns.crowded([openLane(10)]).size).toBe(0)
})

test('as soon as there is more due than places, they go to the tenants in turn', () => {
  const turns = createTurns()
  const queue = new Queue({ a: 1_000, b: 3, c: 100 })
  expect(claimOnce(turns, queue, openLane(12))).toEqual({ a: 12 })
  expect(claimOnce(turns, queue, openLane(12))).toEqual({ a: 4, b: 3, c: 4 })
  expect(claimOnce(turns, queue, openLane(12))).toEqual({ a: 6, c: 6 })
})

test('once all fits again, nobody asks whose it is any more', () => {
  const turns = createTurns()
  const queue = new Queue({ a: 11 })
  claimOnce(turns, queue, openLane(10))
  expect(claimOnce(turns, queue, openLane(10))).toEqual({ a: 1 })
  expect(claimOnce(turns, queue, openLane(10))).toEqual({})
  expect(turns.crowded([openLane(10)]).size).toBe(0)
})

test('who is alone may have all places, and a tenth of them less where there are others', () => {
  let now = 0
  const turns = createTurns(() => now)
  expect(claimOnce(turns, new Queue({ a: 100 }), openLane(50))).toEqual({ a: 50 })
  claimOnce(turns, new Queue({ b: 1 }), openLane(50, { a: 49 }))
  expect(claimOnce(turns, new Queue({ a: 100 }), openLane(50))).toEqual({ a: 45 })
  expect(claimOnce(turns, new Queue({ a: 100 }), openLane(50, { a: 45 }))).toEqual({})
  expect(claimOnce(turns, new Queue({ a: 100, b: 100 }), openLane(50, { a: 45 }))).toEqual({ b: 5 })
  // For whoever was not seen for an hour no place is kept.
  now += 3_600_001
  expect(claimOnce(turns, new Queue({ b: 100 }), openLane(50))).toEqual({ b: 50 })
})

test('of two places one is kept from whoever is not alone, and of one none', () => {
  const turns = createTurns()
  claimOnce(turns, new Queue({ a: 1 }), openLane(2))
  claimOnce(turns, new Queue({ b: 1 }), openLane(2))
  expect(claimOnce(turns, new Queue({ b: 9 }), openLane(2))).toEqual({ b: 1 })
  expect(claimOnce(turns, new Queue({ b: 9 }), openLane(1))).toEqual({ b: 1 })
})

test('everybody who waits has a turn before anybody has two, however many there are', () => {
  const crowds = fc.record({
    tenants: fc.integer({ min: 2, max: 3 * MOST_TENANTS }),
    capacity: fc.integer({ min: 2, max: 60 }),
    idle: fc.nat({ max: 2 }),
  })
  fc.assert(
    fc.property(crowds, ({ tenants, capacity, idle }) => {
      const depths: Record<string, number> = {}
      for (let n = 0; n < tenants; n++) {
        depths[`t${String(n).padStart(4, '0')}`] = idle > 0 && n % (idle + 1) === 0 ? 0 : 10_000
      }
      const queue = new Queue(depths)
      const turns = createTurns()
      claimOnce(turns, queue, openLane(capacity))
      const waiting = Object.values(depths).filter((depth) => depth > 0).length
      const looks = Math.ceil(tenants / MOST_TENANTS) + 1
      const served = new Set<string>()
      for (let round = 0; round < looks * (Math.ceil(waiting / capacity) + 1); round++) {
        for (const tenant of Object.keys(claimOnce(turns, queue, openLane(capacity)))) served.add(tenant)
      }
      expect(served.size).toBe(waiting)
    }),
    { numRuns: 50 },
  )
})
