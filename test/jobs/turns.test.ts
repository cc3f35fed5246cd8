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
  looks = 0
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

/** Looks at the queue until it is not to be looked at further; answers how much was claimed of each tenant. */
const claimOnce = (turns: Turns, queue: Queue, lane: OpenLane): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (let further = true; further; ) {
    const after = turns.crowded([lane]).get(LANE)
    const { offers, lookFurther } = turns.offers([lane], after === undefined ? [] : queue.ring(after))
    further = lookFurther
    queue.looks += 1
    const claims = offers.flatMap(({ tenantId, places }) => {
      if (tenantId !== null) return queue.take(tenantId, places)
      // The oldest are of whoever has the most.
      const [oldest = ''] = [...queue.depths].sort(([, a], [, b]) => b - a)[0] ?? []
      return queue.take(oldest, places)
    })
    const kept = new Set(turns.keep([lane], offers, claims))
    for (const claim of claims) {
      const tenant = claim.tenant_id
      if (kept.has(claim)) counts[tenant] = (counts[tenant] ?? 0) + 1
      else queue.depths.set(tenant, (queue.depths.get(tenant) ?? 0) + 1)
    }
  }
  return counts
}

test('while there is room for all that is due, nobody asks whose it is', () => {
  const turns = createTurns()
  const queue = new Queue({ a: 9 })
  expect(turns.crowded([openLane(10)]).size).toBe(0)
  expect(turns.offers([openLane(10)], []).offers).toEqual([{ lane: LANE, tenantId: null, places: 10 }])
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
  // Who comes for the first time has company at once.
  expect(claimOnce(turns, new Queue({ b: 100 }), openLane(50))).toEqual({ b: 45 })
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

test('the odd place goes to another each time', () => {
  const turns = createTurns()
  const queue = new Queue({ a: 10_000, b: 10_000 })
  claimOnce(turns, queue, openLane(3))
  const total = { a: 0, b: 0 }
  for (let round = 0; round < 100; round++) {
    const { a = 0, b = 0 } = claimOnce(turns, queue, openLane(3))
    total.a += a
    total.b += b
  }
  expect(total).toEqual({ a: 150, b: 150 })
})

test('lanes that share a limit come to no more than it, nor one tenant of them to more than its part', () => {
  const turns = createTurns()
  const lanes: readonly OpenLane[] = [LANE, 'email'].map((lane) => ({ ...openLane(10), lane }))
  const claims = (tenant: string, lane: string, count: number) =>
    Array.from({ length: count }, () => ({ ...claimOf(tenant), lane }))
  const offers = () => turns.offers(lanes, []).offers
  expect(offers().map(({ places }) => places)).toEqual([10, 10])
  // All that both lanes offered: a was there first, then b comes in one lane and in the other.
  turns.keep(lanes, offers(), claims('a', LANE, 1))
  const kept = turns.keep(lanes, offers(), [...claims('b', LANE, 10), ...claims('b', 'email', 10)])
  expect(kept).toHaveLength(9)
  const mixed = turns.keep(lanes, offers(), [...claims('b', LANE, 10), ...claims('a', 'email', 10)])
  expect(['a', 'b'].map((tenant) => mixed.filter((claim) => claim.tenant_id === tenant).length)).toEqual([5, 5])
})

test('where nobody among very many can have more, those who come after them are looked at, once', () => {
  const turns = createTurns()
  const depths = Object.fromEntries(
    Array.from({ length: 4 * MOST_TENANTS }, (_, n) => [`t${String(n).padStart(4, '0')}`, 0]),
  )
  const queue = new Queue({ ...depths, a: 100 })
  claimOnce(turns, new Queue({ b: 1 }), openLane(10))
  claimOnce(turns, queue, openLane(10))
  const hangs = openLane(10, { a: 9 })
  const before = queue.looks
  expect(claimOnce(turns, queue, hangs)).toEqual({})
  expect(queue.looks - before).toBeLessThanOrEqual(7)
  queue.depths.set('t0900', 1)
  expect(claimOnce(turns, queue, hangs)).toEqual({ t0900: 1 })
})

test('everybody who waits has a turn within as many looks as it takes to go round, however many there are', () => {
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
