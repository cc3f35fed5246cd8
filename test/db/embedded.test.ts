import { access, appendFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acquireLock } from '../../server/db/embedded/lock.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { SetupError } from '../../server/errors.ts'
import { isRunning, postmasterOf, query } from './embedded/carillon.ts'
import { scratchFolder } from './embedded/checkout.ts'

const SLOW = 60_000

let scratch: string
/** Made by the first test and used by those after it. */
let dataDir: string

beforeAll(async () => {
  scratch = await scratchFolder()
  dataDir = join(scratch, 'data')
})

afterAll(() => rm(scratch, { recursive: true, force: true }))

const portOf = (url: string): number => Number(new URL(url).port)

const refusal = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail('it was not refused'),
    (error: Error) => error,
  )

const occupy = (port: number, host = '127.0.0.1'): Promise<() => Promise<void>> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, host, () => resolve(() => new Promise((done) => server.close(() => done()))))
  })

test('the first start makes a database that later starts find again, with its password and port', {
  timeout: SLOW,
}, async () => {
  const notices: string[] = []
  const first = await startEmbeddedPostgres({ dataDir, onNotice: (notice) => notices.push(notice) })
  await query(first.url, `create table kept as select 'ä' as letter`)
  await first.stop()
  expect(notices).toEqual([`Creating a database in ${dataDir}/postgres.`])

  const begun = performance.now()
  const second = await startEmbeddedPostgres({ dataDir, onNotice: (notice) => notices.push(notice) })
  expect(performance.now() - begun).toBeLessThan(2_000)
  expect(await query(second.url, 'select * from kept')).toEqual([{ letter: 'ä' }])
  expect(second.url).toBe(first.url)
  expect(notices).toHaveLength(1)
  await second.stop()
})

test('the server speaks UTF-8 and UTC, and keeps what it has confirmed', { timeout: SLOW }, async () => {
  const postgres = await startEmbeddedPostgres({ dataDir })
  const names = ['server_encoding', 'timezone', 'max_connections', 'shared_buffers', 'fsync']
  const more = ['synchronous_commit', 'full_page_writes', 'idle_in_transaction_session_timeout', 'autovacuum_naptime']
  const settings = await query(
    postgres.url,
    `select name, current_setting(name) as value from unnest('{${[...names, ...more]}}'::text[]) as name`,
  )
  expect(Object.fromEntries(settings.map(({ name, value }) => [name, value]))).toEqual({
    server_encoding: 'UTF8',
    timezone: 'UTC',
    max_connections: '200',
    shared_buffers: '128MB',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    idle_in_transaction_session_timeout: '1min',
    autovacuum_naptime: '15s',
  })
  expect(
    await query(
      postgres.url,
      `select datname, datcollate, rolsuper from pg_database, pg_roles where datname = current_database() and rolname = current_user`,
    ),
  ).toEqual([{ datname: 'carillon', datcollate: 'C', rolsuper: true }])
  await postgres.stop()
})

test('nobody gets in from another machine, through a socket in a shared folder, or without the password', {
  timeout: SLOW,
}, async () => {
  const postgres = await startEmbeddedPostgres({ dataDir })
  const port = portOf(postgres.url)
  const elsewhere = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  for (const { address } of elsewhere.filter(({ internal, family }) => !internal && family === 'IPv4')) {
    // Postgres would have to be in the way if it listened there too.
    const release = await occupy(port, address)
    await release()
  }
  expect(await query(postgres.url, `show unix_socket_directories`)).toEqual([{ unix_socket_directories: '' }])

  const intruder = new URL(postgres.url)
  intruder.password = 'guessed'
  await expect(query(intruder.href, 'select 1')).rejects.toThrow('password authentication failed')
  expect((await stat(join(dataDir, 'postgres', 'password'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700)
  await postgres.stop()
})

test('a port that is taken meanwhile is left to whoever took it', { timeout: SLOW }, async () => {
  const first = await startEmbeddedPostgres({ dataDir })
  await first.stop()
  const release = await occupy(portOf(first.url))
  const second = await startEmbeddedPostgres({ dataDir })
  expect(portOf(second.url)).not.toBe(portOf(first.url))
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await second.stop()
  await release()
})

test('a second start in the same process is refused while the first one lives', { timeout: SLOW }, async () => {
  const first = await startEmbeddedPostgres({ dataDir })
  const error = await refusal(startEmbeddedPostgres({ dataDir }))
  expect(error).toBeInstanceOf(SetupError)
  expect(error.message).toBe(
    `Another carillon (pid ${process.pid}) uses the data directory ${dataDir}. ` +
      'Stop that one, or give this one another data directory with CARILLON_DATA_DIR=...',
  )
  expect(await query(first.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await first.stop()
})

test('stop ends sessions, may be called again, and leaves neither process nor lock', { timeout: SLOW }, async () => {
  const postgres = await startEmbeddedPostgres({ dataDir })
  const pid = await postmasterOf(dataDir)
  const session = new Client({ connectionString: postgres.url })
  session.on('error', () => undefined)
  await session.connect()
  await Promise.all([postgres.stop(), postgres.stop()])
  await postgres.stop()
  expect(isRunning(pid)).toBe(false)
  await expect(access(join(dataDir, 'postgres', 'lock'))).rejects.toThrow('ENOENT')
  await expect(session.query('select 1')).rejects.toThrow()
})

test('a Postgres that dies is told of with its last words, and can be started again', { timeout: SLOW }, async () => {
  let tell: (error: Error) => void = () => undefined
  const exit = new Promise<Error>((resolve) => {
    tell = resolve
  })
  const first = await startEmbeddedPostgres({ dataDir, onExit: (error) => tell(error) })
  process.kill(await postmasterOf(dataDir), 'SIGTERM')
  const { message } = await exit
  expect(message).toContain('ended by itself (exit code 0)')
  expect(message).toContain('received smart shutdown request')
  await first.stop()

  const second = await startEmbeddedPostgres({ dataDir })
  expect(await query(second.url, 'select * from kept')).toEqual([{ letter: 'ä' }])
  await second.stop()
})

test('a lock whose pid has been given to another process is taken over', { timeout: SLOW }, async () => {
  await writeFile(join(dataDir, 'postgres', 'lock'), `${process.ppid} 00000000-0000/17`)
  const postgres = await startEmbeddedPostgres({ dataDir })
  await postgres.stop()
})

test('of many that find a stale lock at once, one gets it', async () => {
  const folder = join(scratch, 'lock')
  await mkdir(folder)
  for (let round = 0; round < 20; round += 1) {
    await writeFile(join(folder, 'lock'), `${process.pid} 00000000-0000/17`)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, () => acquireLock({ dataDir: folder, folder, account: null })),
    )
    const [winner, ...others] = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(others).toEqual([])
    await winner?.()
  }
})

test('a throwaway cluster forgoes what protects against a crash of the machine', { timeout: SLOW }, async () => {
  const postgres = await startEmbeddedPostgres({ dataDir: join(scratch, 'throwaway'), ephemeral: true })
  const settings = await query(
    postgres.url,
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit, current_setting('full_page_writes') as pages`,
  )
  expect(settings).toEqual([{ fsync: 'off', commit: 'off', pages: 'off' }])
  await postgres.stop()
})

test('an interrupted creation is begun anew', { timeout: SLOW }, async () => {
  const folder = join(scratch, 'interrupted')
  await mkdir(join(folder, 'postgres', 'data.1-deadbeef'), { recursive: true })
  await writeFile(join(folder, 'postgres', 'data.1-deadbeef', 'PG_VERSION'), '18\n')
  const postgres = await startEmbeddedPostgres({ dataDir: folder, ephemeral: true })
  expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await postgres.stop()
  await expect(access(join(folder, 'postgres', 'data.1-deadbeef'))).rejects.toThrow('ENOENT')
})

test('a Postgres that cannot start says why, in its own last words', { timeout: SLOW }, async () => {
  const configuration = join(dataDir, 'postgres', 'data', 'postgresql.conf')
  const before = await readFile(configuration)
  await appendFile(configuration, '\nwishful_thinking = on\n')
  const error = await refusal(startEmbeddedPostgres({ dataDir }))
  expect(error).toBeInstanceOf(SetupError)
  expect(error.message).toContain('unrecognized configuration parameter "wishful_thinking"')
  expect(error.message).toContain(join(dataDir, 'postgres', 'server.log'))
  await writeFile(configuration, before)
  await (await startEmbeddedPostgres({ dataDir })).stop()
})

test('a database of another version of Postgres is left alone', { timeout: SLOW }, async () => {
  const version = join(dataDir, 'postgres', 'data', 'PG_VERSION')
  await writeFile(version, '15\n')
  const error = await refusal(startEmbeddedPostgres({ dataDir }))
  expect(error).toBeInstanceOf(SetupError)
  expect(error.message).toContain('was made by Postgres 15 and cannot be opened by Postgres 18')
  await writeFile(version, '18\n')
})

test('a database whose password is gone is left alone', { timeout: SLOW }, async () => {
  const folder = join(scratch, 'throwaway')
  await rm(join(folder, 'postgres', 'password'))
  const error = await refusal(startEmbeddedPostgres({ dataDir: folder }))
  expect(error).toBeInstanceOf(SetupError)
  expect(error.message).toContain(`${join(folder, 'postgres', 'password')} is gone`)
})

test('a data directory that cannot be made is refused with what to do', async () => {
  const file = join(scratch, 'file')
  await writeFile(file, '')
  const error = await refusal(startEmbeddedPostgres({ dataDir: join(file, 'data') }))
  expect(error).toBeInstanceOf(SetupError)
  expect(error.message).toContain(`Cannot write to the data directory ${join(file, 'data')}: ENOTDIR`)
  expect(error.message).toContain('set DATABASE_URL')
})
