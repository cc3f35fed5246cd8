import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'
import { z } from 'zod'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'
import { startCarillon } from '../support/carillon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { ask, type CarillonProcess, PROCESS_TEST_MS, startProcess } from './carillon-process.ts'
import { typed } from './typed.ts'

/** Each call writes down which process made it. */
const CONFIG = `import { defineConfig, defineNotifier } from 'carillon'
import { appendFileSync } from 'node:fs'
import { z } from 'zod'
const page = defineNotifier({
  key: 'page', version: 1, payload: z.object({ n: z.number() }), channels: ['pager'], render: { pager: ({ payload }) => payload },
})
const pager = {
  name: 'pager',
  async deliver() {
    appendFileSync(process.env['PAGES'] ?? '', process.pid + ' ')
    return { outcome: 'accepted' as const }
  },
}
export default defineConfig({ notifiers: [page], adapters: { pager } })
`

let folder: string
let database: TestDatabase
let sql: pg.Pool
let variables: NodeJS.ProcessEnv
const running: CarillonProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-roles-'))
  database = await createTestDatabase()
  sql = new pg.Pool({ connectionString: database.url, options: '-c carillon.tenant=*', max: 1 })
  variables = {
    PORT: '0',
    DATABASE_URL: database.url,
    CARILLON_SECRET_KEY: 'a-secret-key-for-tests-of-32-characters',
    CARILLON_CONFIG: join(folder, 'carillon.config.ts'),
    PAGES: join(folder, 'pages'),
  }
  await writeFile(join(folder, 'carillon.config.ts'), CONFIG)
})
afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()))
  await sql.end()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

const start = async (role: 'api' | 'worker'): Promise<{ readonly url: string; readonly process: CarillonProcess }> => {
  const process = startProcess(variables, ['start', '--role', role])
  running.push(process)
  await process.ready
  const url = /(http:\/\/[\d.:]+)\//.exec(process.output())?.[1]
  if (!url) throw new Error(`it does not say where it is: ${process.output()}`)
  return { url, process }
}

const TRIGGER = `mutation ($n: JSON!, $key: String!) { trigger(input: { notificationKey: "page", idempotencyKey: $key,
  payload: $n, recipients: [{ id: "bob" }] }) { event { id } } }`

const statusOf = async (url: string): Promise<number> => {
  const response = await fetch(url)
  await response.body?.cancel()
  return response.status
}

test(
  'an api process answers and carries out nothing; a worker process carries it out, and answers health checks alone',
  async () => {
    const api = await start('api')
    const made = await typed(
      ['keys', 'create', '--tenant', 'acme', '--scope', 'TRIGGER', '--scope', 'OPERATE'],
      variables,
    )
    const key = made.stdout.trim()
    const page = (n: number) => ask(`${api.url}/graphql`, key, TRIGGER, { n: { n }, key: `page-${n}` })
    expect((await page(1)).errors).toBeUndefined()

    const worker = await start('worker')
    expect((await page(2)).errors).toBeUndefined()
    await until('both are sent', async () => {
      const { rows } = await sql.query(`select count(*)::int as sent from delivery where status = 'succeeded'`)
      return rows[0].sent === 2
    })
    const callers = (await readFile(join(folder, 'pages'), 'utf8')).trim().split(' ')
    expect(callers).toEqual([worker.process.child.pid, worker.process.child.pid].map(String))

    expect([await statusOf(`${api.url}/health/ready`), await statusOf(`${worker.url}/health/ready`)]).toEqual([
      200, 200,
    ])
    expect([await statusOf(`${worker.url}/health/live`), await statusOf(`${worker.url}/graphql`)]).toEqual([200, 404])
    const socket = new WebSocket(`${worker.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    const refused = await new Promise((resolve) => socket.once('error', ({ message }) => resolve(message)))
    expect(refused).toContain('404')
    expect([await worker.process.stop(), await api.process.stop()]).toEqual([0, 0])
  },
  PROCESS_TEST_MS,
)

test('a trigger on one process wakes the workers of another, which do not wait for their next look', async () => {
  const pager = memory({ name: 'pager' })
  const notifier = defineNotifier({
    key: 'page',
    version: 1,
    payload: z.object({ n: z.number() }),
    channels: ['pager'],
    render: { pager: ({ payload }) => payload },
  })
  const config = defineConfig({ notifiers: [notifier], adapters: { pager } })
  // Nobody looks by itself: what is carried out was told of.
  const options = { bus: 'postgres', pollEveryMs: 3_600_000 } as const
  const api = await startCarillon(config, { ...options, cron: false })
  const worker = await startCarillon(config, { ...options, databaseUrl: api.databaseUrl })
  try {
    // The first look of a worker is over once it has done something.
    const first = worker.app.telemetry.once('delivery.settled')
    const send = (n: number) => api.ok(api.backendKey, TRIGGER, { n: { n }, key: String(n) })
    await send(1)
    worker.app.worker.start()
    await first
    const second = worker.app.telemetry.once('delivery.settled')
    await send(2)
    await second
    expect(pager.messages.map(({ content }) => content)).toEqual([{ n: 1 }, { n: 2 }])
  } finally {
    await worker.close()
    await api.close()
  }
})
