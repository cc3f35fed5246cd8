import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Carillon, childrenOf, isRunning, postmasterOf, query } from './carillon.ts'
import { makeCheckout, scratchFolder } from './checkout.ts'

const SLOW = 60_000

/** These look for processes in /proc. */
const onLinux = test.skipIf(process.platform !== 'linux')

let scratch: string
let checkout: string
let dataDir: string

beforeAll(async () => {
  scratch = await scratchFolder()
  checkout = await makeCheckout(join(scratch, 'checkout'))
  dataDir = join(scratch, 'data')
  const carillon = new Carillon(checkout, { dataDir })
  await query(await carillon.says('url'), 'create table kept as select 7 as seven')
  await carillon.stop()
}, SLOW)

afterAll(() => rm(scratch, { recursive: true, force: true }))

const ended = (pid: number) => expect.poll(() => isRunning(pid), { timeout: 20_000, interval: 20 }).toBe(false)

/** Takes away what shuts Postgres down with its carillon, as a kill of the whole session would. */
const killWithWatcher = async (carillon: Carillon): Promise<void> => {
  for (const pid of childrenOf(carillon.pid, 'sh')) process.kill(pid, 'SIGKILL')
  await carillon.kill()
}

/** As a machine does that runs out of memory. */
const killPostgres = async (postmaster: number): Promise<void> => {
  const all = [postmaster, ...childrenOf(postmaster)]
  for (const pid of all) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // The others end by themselves once the first has.
    }
  }
  await Promise.all(all.map(ended))
}

const findsItsData = async (carillon: Carillon): Promise<void> => {
  expect(await query(await carillon.says('url'), 'select seven from kept')).toEqual([{ seven: 7 }])
  await carillon.stop()
}

onLinux('a second carillon on the same data is refused and told which one to stop', { timeout: SLOW }, async () => {
  const first = new Carillon(checkout, { dataDir })
  await first.says('url')
  const second = new Carillon(checkout, { dataDir })
  expect(await second.says('failed')).toBe(
    `SetupError: Another carillon (pid ${first.pid}) uses the data directory ${dataDir}. ` +
      'Stop that one, or give this one another data directory with CARILLON_DATA_DIR=...',
  )
  await findsItsData(first)
})

onLinux('when carillon is killed, its Postgres ends too', { timeout: SLOW }, async () => {
  const carillon = new Carillon(checkout, { dataDir })
  await carillon.says('url')
  const postmaster = await postmasterOf(dataDir)
  await carillon.kill()
  await ended(postmaster)
  await findsItsData(new Carillon(checkout, { dataDir }))
})

onLinux('a start right after the kill waits for the former Postgres', { timeout: SLOW }, async () => {
  const carillon = new Carillon(checkout, { dataDir })
  await carillon.says('url')
  await carillon.kill()
  await findsItsData(new Carillon(checkout, { dataDir }))
})

onLinux('a Postgres that was left behind is stopped by the next start', { timeout: SLOW }, async () => {
  const carillon = new Carillon(checkout, { dataDir })
  const url = await carillon.says('url')
  const orphan = await postmasterOf(dataDir)
  await killWithWatcher(carillon)
  // It answers still, and somebody uses it.
  const session = new Client({ connectionString: url })
  session.on('error', () => undefined)
  await session.connect()

  const next = new Carillon(checkout, { dataDir })
  await next.says('url')
  expect(next.notices).toContain(`Stopping the Postgres (pid ${orphan}) that an earlier run left behind`)
  expect(isRunning(orphan)).toBe(false)
  await findsItsData(next)
})

onLinux('when Postgres was killed as well, the next start recovers', { timeout: SLOW }, async () => {
  const carillon = new Carillon(checkout, { dataDir })
  await query(await carillon.says('url'), 'create table late as select 8 as eight')
  const postmaster = await postmasterOf(dataDir)
  await killWithWatcher(carillon)
  await killPostgres(postmaster)

  const next = new Carillon(checkout, { dataDir })
  expect(await query(await next.says('url'), 'select eight from late')).toEqual([{ eight: 8 }])
  await findsItsData(next)
})

onLinux('a session that outlived its Postgres does not bar the next start', { timeout: SLOW }, async () => {
  const carillon = new Carillon(checkout, { dataDir })
  const url = await carillon.says('url')
  const session = new Client({ connectionString: url })
  session.on('error', () => undefined)
  await session.connect()
  const { rows } = await session.query('select pg_backend_pid() as pid')
  // Busy without ever waiting, so that it does not notice.
  const busy = expect(session.query('do $$ begin loop end loop; end $$')).rejects.toThrow()
  const postmaster = await postmasterOf(dataDir)
  await killWithWatcher(carillon)
  process.kill(postmaster, 'SIGKILL')
  await ended(postmaster)
  expect(isRunning(rows[0].pid)).toBe(true)

  await findsItsData(new Carillon(checkout, { dataDir }))
  await busy
})

onLinux('a postmaster.pid whose number another process has now is no problem', { timeout: SLOW }, async () => {
  const carillon = new Carillon(checkout, { dataDir })
  await carillon.says('url')
  const postmaster = await postmasterOf(dataDir)
  const pidFile = join(dataDir, 'postgres', 'data', 'postmaster.pid')
  const text = await readFile(pidFile, 'utf8')
  const { uid, gid } = await lstat(pidFile)
  await killWithWatcher(carillon)
  await killPostgres(postmaster)

  // Of the same account, which is what Postgres goes by.
  const stranger = spawn('/bin/cat', { uid, gid, stdio: ['pipe', 'ignore', 'ignore'] })
  await once(stranger, 'spawn')
  await writeFile(pidFile, text.replace(`${postmaster}`, `${stranger.pid}`))
  await findsItsData(new Carillon(checkout, { dataDir }))
  expect(stranger.exitCode ?? stranger.signalCode).toBe(null)
  stranger.kill()
})

onLinux('Ctrl-C reaches carillon alone, which still has its database while it drains', { timeout: SLOW }, async () => {
  const carillon = new Carillon(checkout, { dataDir })
  await carillon.says('url')
  const postmaster = await postmasterOf(dataDir)
  // A terminal sends it to the whole group.
  process.kill(-carillon.pid, 'SIGINT')
  expect(await carillon.says('drained')).toEqual({ one: 1 })
  await ended(postmaster)
})
