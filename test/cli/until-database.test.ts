import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyMigrations } from '../../prisma/migrate.ts'
import { untilDatabaseAnswers } from '../../server/cli/until-database.ts'
import { type CuttableProxy, openCuttableProxy } from '../support/cuttable-proxy.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
let proxy: CuttableProxy
beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await openCuttableProxy(database.url)
})
afterAll(async () => {
  await proxy.close()
  await database.drop()
})

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

test('a process that is started before its database waits for it, live and not ready', async () => {
  proxy.admit('nobody')
  const port = await freePort()
  const said: string[] = []
  const status = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      ({ status }) => status,
      () => null,
    )
  const started = untilDatabaseAnswers(
    async () => {
      await applyMigrations(proxy.url)
      return 'started'
    },
    {
      databaseUrl: proxy.url,
      doors: [{ host: '127.0.0.1', port }],
      logger: { warn: (line: unknown) => void said.push(String(line)) },
    },
  )
  await until('it is live', async () => (await status('/health/live')) === 200)
  expect(await status('/health/ready')).toBe(503)
  expect(await status('/graphql')).toBe(503)
  expect(said[0]).toMatch(/Cannot connect to Postgres at host 127\.0\.0\.1, .* Waiting for it/)
  proxy.admit('everyone')
  expect(await started).toBe('started')
  // The door is free for the service itself.
  expect(await status('/health/live')).toBeNull()
})

test('a database that answers and cannot be worked with is asked again after a while, and not at once', async () => {
  const tries: number[] = []
  const work = async () => {
    tries.push(performance.now())
    if (tries.length < 3) throw Object.assign(new Error('no connection was free'), { code: 'ECONNREFUSED' })
    return 'started'
  }
  const options = { databaseUrl: database.url, doors: [], logger: { warn: () => {} } }
  expect(await untilDatabaseAnswers(work, options)).toBe('started')
  const pauses = tries.slice(1).map((at, index) => at - (tries[index] as number))
  expect(Math.min(...pauses)).toBeGreaterThan(900)
})

test('what is wrong with a database that answers is told at once', async () => {
  const wrong = new URL(database.url)
  wrong.pathname = '/there_is_none'
  const options = { databaseUrl: wrong.href, doors: [], logger: { warn: () => {} } }
  await expect(untilDatabaseAnswers(() => applyMigrations(wrong.href), options)).rejects.toThrow('there_is_none')
})
