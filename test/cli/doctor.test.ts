import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { clockFinding, measureSkew } from '../../server/cli/doctor/database.ts'
import type { Finding } from '../../server/cli/doctor/finding.ts'
import { nodeFinding } from '../../server/cli/doctor/installation.ts'
import { persistedFinding } from '../../server/cli/doctor/persisted-operations.ts'
import { queueFinding } from '../../server/cli/doctor/queue.ts'
import { examine } from '../../server/cli/doctor.ts'
import { decodeNodeId } from '../../server/core/node-id.ts'
import { APPLICATION_ROLE, checkDatabase, openDatabase } from '../../server/db/client.ts'
import { readEnvironment } from '../../server/environment.ts'
import { defineNotifier } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { databaseUrl } from '../support/database.ts'
import { manifestOf, withFile } from '../support/persisted.ts'
import { PROCESS_TEST_MS, runCarillon } from './carillon-process.ts'
import { typed } from './typed.ts'

let carillon: TestCarillon
let folder: string
/** Takes connections, and never says a word. */
let mute: Server

const configOf = async (name: string, adapters: string): Promise<string> => {
  const file = join(folder, `${name}.config.ts`)
  await writeFile(
    file,
    `import { defineConfig, log, slack, smtp } from 'carillon'\nvoid [log, slack, smtp]\nexport default defineConfig({ notifiers: [], adapters: ${adapters} })\n`,
  )
  return file
}
let plain: NodeJS.ProcessEnv

beforeAll(async () => {
  const note = defineNotifier({
    key: 'note',
    version: 1,
    payload: z.object({}),
    channels: ['in_app'],
    render: { in_app: () => ({ title: 'note' }) },
  })
  carillon = await startCarillon({ notifiers: [note] })
  folder = await mkdtemp(join(tmpdir(), 'carillon-doctor-'))
  mute = createServer(() => {})
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  plain = { DATABASE_URL: carillon.databaseUrl, CARILLON_CONFIG: await configOf('plain', '{ email: log() }') }
})
afterAll(async () => {
  mute.close()
  await carillon.close()
  await rm(folder, { recursive: true, force: true })
})

const named = (findings: readonly Finding[], name: string): Finding => {
  const found = findings.find((finding) => finding.name === name)
  if (!found) throw new Error(`nothing was found out about ${name}: ${JSON.stringify(findings)}`)
  return found
}
const faultsOf = (findings: readonly Finding[]) => findings.filter(({ state }) => state === 'fault')

test('where all is well it says so, of everything that the service stands on', async () => {
  const { code, stdout } = await typed(['doctor', '--json'], plain)
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: readonly Finding[] }
  expect(faultsOf(checks)).toEqual([])
  expect([code, ok]).toEqual([0, true])
  expect(checks.map(({ name }) => name)).toEqual([
    'Node',
    'environment',
    'configuration',
    'persisted operations',
    'database',
    'migrations',
    'session',
    'row-level security',
    'clocks',
    'connections',
    'autovacuum',
    'bus',
    'queue',
    'queue is whole',
    'adapter log',
  ])
})

test('the persisted operations are told of: whom they bind, how many there are, and which could never be answered', async () => {
  const NAME = 'persisted operations'
  const seenWith = async (env: NodeJS.ProcessEnv) => named(await examine({ ...plain, ...env }), NAME)
  expect((await seenWith({})).seen).toBe('off, as this environment has it')
  const only = { CARILLON_PERSISTED_OPERATIONS_ONLY: 'recipients' }
  expect((await seenWith(only)).seen).toMatch(
    /^recipients: \d+ in all, of Carillon's own; recipients may ask for nothing else$/,
  )
  await withFile(manifestOf('query Who { viewer { tenantId } }'), async (file) => {
    const { state, seen } = await seenWith({ CARILLON_PERSISTED_OPERATIONS: file })
    expect([state, seen]).toEqual(['ok', expect.stringMatching(/^off: \d+ in all, of Carillon's own and of /)])
    expect(seen).toContain(file)
  })
  await withFile(manifestOf('query Who { nobody }'), async (file) => {
    const { state, seen, advice } = await seenWith({ ...only, CARILLON_PERSISTED_OPERATIONS: file })
    expect([state, seen]).toEqual(['fault', expect.stringContaining(`${file}: `)])
    expect(seen).toContain('(query Who): Cannot query field "nobody"')
    expect(advice).toContain('Write the file anew')
  })
  await withFile(manifestOf('{ __schema { queryType { name } } }'), async (file) => {
    const listed = { CARILLON_PERSISTED_OPERATIONS: file }
    // As `carillon start` takes it, in development too.
    expect((await seenWith(listed)).seen).toContain('(no name): GraphQL introspection')
    expect((await seenWith({ ...listed, CARILLON_GRAPHIQL: 'on' })).state).toBe('ok')
  })
})

test('what goes wrong but is no fault of the persisted operations is not blamed on their file', async () => {
  const files: readonly string[] = Object.assign([], {
    [Symbol.iterator]: () => {
      throw new RangeError('out of memory')
    },
  })
  const { state, seen, advice } = await persistedFinding({ ...readEnvironment({}), persistedOperations: files })
  expect([state, seen]).toEqual(['fault', 'out of memory'])
  expect(advice).not.toContain('file')
})

test('a session in another time zone, or with more rights than it should have, is a fault', async () => {
  const url = `${carillon.databaseUrl}?options=-c%20TimeZone%3DEurope/Berlin`
  const findings = await examine({ ...plain, DATABASE_URL: url })
  expect(faultsOf(findings).map(({ name, seen }) => [name, seen])).toEqual([
    ['session', "The database session's time zone is Europe/Berlin, not UTC"],
    ['session', expect.stringMatching(/^The role \w+ is exempt from row-level security$/)],
  ])
})

test('no server starts on a session whose role a pooler has dropped, in which every table would look empty', async () => {
  const owner = `owner_${randomBytes(4).toString('hex')}`
  await carillon.sql.query(`create role ${owner} login password '${owner}' in role ${APPLICATION_ROLE}`)
  try {
    const url = new URL(carillon.databaseUrl)
    url.username = owner
    url.password = owner
    url.search = 'options=-c%20TimeZone%3DUTC'
    const db = openDatabase({ url: url.href, connections: 1 })
    await expect(checkDatabase(db)).rejects.toThrow(
      `The session works as ${owner}, not as ${APPLICATION_ROLE}. The service works as ${APPLICATION_ROLE}, and something dropped`,
    )
    await db.close()
  } finally {
    await carillon.sql.query(`drop role ${owner}`)
  }
})

test(
  'a database without its schema is a fault that names the command to run, and the binary ends with 1',
  async () => {
    const name = `bare_${randomBytes(4).toString('hex')}`
    const owner = new pg.Client({ connectionString: inject('clusterUrl') })
    await owner.connect()
    await owner.query(`create database ${name}`)
    try {
      const url = databaseUrl(inject('clusterUrl'), name)
      const examined = await runCarillon(['doctor'], { ...plain, DATABASE_URL: url })
      const status = await typed(['migrate', '--status', '--json'], { DATABASE_URL: url })
      const listed = await typed(['tenants', 'list'], { DATABASE_URL: url })
      expect([listed.code, listed.stderr]).toEqual([1, expect.stringContaining('run `carillon migrate`')])
      expect(examined.code).toBe(1)
      expect(examined.stdout).toMatch(/FAULT +migrations +(\d+) of \1 not applied/)
      expect(examined.stdout).toContain('→ Run `carillon migrate`')
      expect(status.code).toBe(1)
      const { applied, pending } = JSON.parse(status.stdout)
      expect([applied, pending[0]]).toEqual([[], '20261122000000_spine'])

      const migrated = await typed(['migrate', '--json'], { DATABASE_URL: url })
      expect([migrated.code, JSON.parse(migrated.stdout)]).toEqual([0, { applied: pending }])
      const again = await typed(['migrate', '--status'], { DATABASE_URL: url })
      expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('The schema is up to date.')])
    } finally {
      await owner.query(`drop database ${name} with (force)`)
      await owner.end()
    }
  },
  PROCESS_TEST_MS,
)

test('a database that is away is a fault that names the place, and nothing else is asked of it', async () => {
  const findings = await examine({ ...plain, DATABASE_URL: 'postgres://ada:secret-word@127.0.0.1:1/x' })
  expect(named(findings, 'database')).toMatchObject({ state: 'fault', seen: expect.stringContaining('port 1') })
  expect(findings.some(({ name }) => name === 'session')).toBe(false)
  expect(JSON.stringify(findings)).not.toContain('secret-word')
})

test('providers that cannot be reached are faults, each by name, and none of their secrets is shown', async () => {
  const { port } = mute.address() as { port: number }
  const config = await configOf(
    'dead',
    `{ email: smtp({ url: 'smtp://ada:secret-word@127.0.0.1:1', from: 'a@example.test' }),
       chat: slack({ webhookUrl: 'http://127.0.0.1:1/secret-path' }),
       news: { name: 'own', deliver: async () => ({ outcome: 'accepted' }), check: async () => 'is there' },
       pager: { name: 'dumb', deliver: async () => ({ outcome: 'accepted' }) },
       post: smtp({ name: 'mute', url: 'smtp://127.0.0.1:${port}', from: 'a@example.test', timeoutMs: 100 }) }`,
  )
  const findings = await examine({ ...plain, CARILLON_CONFIG: config })
  expect(named(findings, 'adapter smtp')).toMatchObject({
    state: 'fault',
    seen: expect.stringContaining('ECONNREFUSED'),
  })
  expect(named(findings, 'adapter slack')).toMatchObject({ state: 'fault' })
  expect(named(findings, 'adapter mute')).toMatchObject({ state: 'fault' })
  expect(named(findings, 'adapter own')).toMatchObject({ state: 'ok', seen: 'carries news; is there' })
  expect(named(findings, 'adapter dumb')).toMatchObject({ state: 'ok' })
  expect(JSON.stringify(findings)).not.toMatch(/secret-(word|path)/)
})

test('providers that answer are well, and so is a mail server that takes the login', async () => {
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _, done) =>
      password === 'right' ? done(null, { user: username }) : done(new Error('no such login')),
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as { port: number }
  const mail = (name: string, password: string) =>
    `smtp({ name: '${name}', url: 'smtp://ada:${password}@127.0.0.1:${port}', from: 'a@example.test' })`
  try {
    const config = await configOf(
      'alive',
      `{ email: ${mail('right', 'right')}, post: ${mail('wrong', 'wrong-word')},
         chat: slack({ webhookUrl: 'http://127.0.0.1:${(mute.address() as { port: number }).port}/x' }) }`,
    )
    const findings = await examine({ ...plain, CARILLON_CONFIG: config })
    expect(named(findings, 'adapter right')).toMatchObject({ state: 'ok', seen: expect.stringContaining('takes mail') })
    expect(named(findings, 'adapter slack')).toMatchObject({
      state: 'ok',
      seen: expect.stringContaining('takes connections'),
    })
    expect(named(findings, 'adapter wrong').state).toBe('fault')
    expect(JSON.stringify(findings)).not.toContain('wrong-word')
  } finally {
    await new Promise<void>((resolve) => server.close(resolve))
  }
})

test('a bus that carries nothing is a fault', async () => {
  const findings = await examine({ ...plain, CARILLON_REDIS_URL: 'redis://:secret-word@127.0.0.1:1' })
  expect(named(findings, 'bus')).toMatchObject({ state: 'fault', seen: expect.stringContaining('redis://127.0.0.1:1') })
  expect(JSON.stringify(findings)).not.toContain('secret-word')
})

test('a table without forced row-level security is a fault, and is named', async () => {
  await carillon.sql.query('alter table preference no force row level security')
  const findings = await examine(plain)
  await carillon.sql.query('alter table preference force row level security')
  expect(named(findings, 'row-level security')).toMatchObject({ state: 'fault', seen: 'not forced on preference' })
})

test('what waits and is not in the queue is a fault, and is named', async () => {
  const { trigger } = await carillon.ok(
    carillon.backendKey,
    `mutation { trigger(input: { notificationKey: "note", idempotencyKey: "later", payload: {}, recipients: [{ id: "bob" }],
       sendAt: "2100-01-01T00:00:00Z" }) { event { id } } }`,
  )
  await carillon.sql.query('create table kept as select * from due')
  await carillon.sql.query('delete from due')
  const findings = await examine(plain)
  await carillon.sql.query('insert into due select * from kept')
  await carillon.sql.query('drop table kept')
  const id = decodeNodeId(trigger.event.id)?.id
  expect(named(findings, 'queue is whole')).toMatchObject({
    state: 'fault',
    seen: expect.stringContaining(`event ${id}`),
  })
})

test('faults of the environment and of the configuration are faults here too', async () => {
  expect(named(await examine({ PORT: 'eighty' }), 'environment')).toMatchObject({
    state: 'fault',
    seen: 'PORT must be a port number',
  })
  const broken = await configOf('broken', `{ in_app: log() }`)
  const findings = await examine({ ...plain, NODE_ENV: 'production', CARILLON_CONFIG: broken })
  expect(named(findings, 'environment').seen).toContain('without CARILLON_SECRET_KEY')
  expect(named(findings, 'configuration')).toMatchObject({
    state: 'fault',
    seen: expect.stringContaining('in_app is built in'),
  })
})

test('clocks that differ are noticed, whichever is ahead', async () => {
  const ahead = await measureSkew(carillon.app.db, () => Date.now() + 60_000)
  const behind = await measureSkew(carillon.app.db, () => Date.now() - 60_000)
  expect([clockFinding(ahead), clockFinding(behind)]).toMatchObject([
    { state: 'fault', seen: expect.stringMatching(/ahead of the database/) },
    { state: 'fault', seen: expect.stringMatching(/behind the database/) },
  ])
  expect([clockFinding(0).state, clockFinding(-5_000).state]).toEqual(['ok', 'warning'])
})

test('work that waits for long is a warning, then a fault', () => {
  const at = (seconds: number) =>
    queueFinding([
      { lane: 'sms', seconds: -5 },
      { lane: 'email', seconds },
    ]).state
  expect([at(-1), at(59), at(61), at(700)]).toEqual(['ok', 'ok', 'warning', 'fault'])
  expect(queueFinding([{ lane: 'email', seconds: 700 }]).seen).toContain('12 min, in lane email')
})

test('a Node that is too old is named', () => {
  expect(['20.18.3', '18.20.0', '20.19.0', '24.1.0'].map((version) => nodeFinding(version).state)).toEqual([
    'fault',
    'fault',
    'ok',
    'ok',
  ])
})
