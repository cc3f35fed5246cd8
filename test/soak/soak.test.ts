import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { slope } from './figures.ts'
import { soak } from './soak.ts'
import { judge, LONG, type Sample, SHORT } from './verdict.ts'

describe('a minute of everything at once', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database.drop())

  test('leaks nothing, fails nobody, leaves every promise of the rows kept, and stops in order', async () => {
    const said: string[] = []
    const { checks, counts, pruned } = await soak({
      databaseUrl: database.url,
      minutes: Number(process.env['CARILLON_SOAK_TEST_MINUTES'] ?? 1),
      perSecond: 40,
      sampleEveryMs: 2_000,
      pruneEveryMs: 5_000,
      prunedAfterMs: 5_000,
      bounds: SHORT,
      say: (line) => void said.push(line),
    })
    for (const { promise, found } of checks) process.stdout.write(`soak: ${promise}: ${found}\n`)
    expect(pruned).toBeGreaterThan(0)
    expect(checks.filter(({ passed }) => !passed)).toEqual([])
    const { putOff: _, ...done } = counts
    expect(Math.min(...Object.values(done))).toBeGreaterThan(0)
  }, 300_000)
})

describe('the verdict', () => {
  const samples = (change: (minute: number) => Partial<Sample>): readonly Sample[] =>
    Array.from({ length: 60 }, (_, minute) => ({
      minute,
      rss: 200 * 1024 ** 2,
      heapUsed: 100 * 1024 ** 2,
      handles: { TCPSocketWrap: 50, Timeout: 10 },
      descriptors: 80,
      loopDelayMs: 12,
      claimsMs: [1, 2, 3],
      failures: [],
      connections: 20,
      queueAgeMs: 5,
      dead: 10,
      live: 990,
      worst: [],
      triggersMs: [5],
      triggers: minute,
      ...change(minute),
    }))
  const broken = (change: (minute: number) => Partial<Sample>) =>
    judge(samples(change), LONG)
      .filter(({ passed }) => !passed)
      .map(({ promise }) => promise)

  test('is good where nothing changes', () => {
    expect(broken(() => ({}))).toEqual([])
  })

  test.each<[string, (minute: number) => Partial<Sample>, string]>([
    ['memory that grows', (minute) => ({ rss: (200 + 1.5 * minute) * 1024 ** 2 }), 'memory'],
    ['handles that grow', (minute) => ({ handles: { Timeout: 60 + minute } }), 'handles'],
    ['descriptors that grow', (minute) => ({ descriptors: 80 + minute }), 'open files'],
    ['rows that stay dead', () => ({ dead: 300, live: 700 }), '% of rows are dead'],
    ['claims that are slow', () => ({ claimsMs: [25] }), 'claims'],
  ])('finds %s, and that alone', (_, change, promise) => {
    const found = broken(change)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(promise)
  })

  test('forgives what is used while it warms up', () => {
    expect(broken((minute) => ({ rss: (minute < 20 ? 100 + 5 * minute : 200) * 1024 ** 2 }))).toEqual([])
  })

  test('a slope is that of the line next to all points', () => {
    expect(
      slope([
        [0, 1],
        [1, 3],
        [2, 5],
      ]),
    ).toBe(2)
    expect(
      slope([
        [0, 2],
        [1, 0],
        [2, 2],
        [3, 0],
      ]),
    ).toBeCloseTo(-0.4)
    expect(slope([[1, 1]])).toBe(0)
  })
})
