import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { applyMigrations } from '../../prisma/migrate.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { soak } from './soak.ts'
import { LONG, SHORT, tableOf } from './verdict.ts'

/*
 * npm run soak: CARILLON_SOAK_MINUTES (60), CARILLON_SOAK_PER_SECOND (half of what the machine bears). Below ten minutes
 * speed, memory and dead rows have not settled, and are held to the wide margins of the short form.
 */

const minutes = Number(process.env['CARILLON_SOAK_MINUTES'] || 60)
const perSecond = Number(process.env['CARILLON_SOAK_PER_SECOND'] || 0)
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const dataDir = await mkdtemp(join(tmpdir(), 'carillon-soak-'))
// The account that runs PostgreSQL has to reach it.
await chmod(dataDir, 0o755)
const postgres = await startEmbeddedPostgres({ dataDir })
try {
  await applyMigrations(postgres.url)
  const [cpu] = cpus()
  say(`${cpus().length} × ${cpu?.model}, ${Math.round(totalmem() / 1024 ** 3)} GB, Node ${process.version}`)
  const { samples, checks, counts, deliveries, pruned } = await soak({
    databaseUrl: postgres.url,
    minutes,
    ...(perSecond > 0 && { perSecond }),
    sampleEveryMs: 10_000,
    pruneEveryMs: 30_000,
    prunedAfterMs: 120_000,
    bounds: minutes >= 10 ? LONG : SHORT,
    say,
  })
  say(`\n${tableOf(samples)}\n`)
  say(
    `${Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ')}; ${deliveries} deliveries, ${pruned} events pruned\n`,
  )
  for (const { promise, found, passed } of checks) say(`${passed ? 'kept  ' : 'BROKEN'} ${promise}: ${found}`)
  const passed = checks.filter((check) => check.passed).length
  say(`\n${passed} passed, ${checks.length - passed} failed`)
  process.exitCode = passed === checks.length ? 0 : 1
} finally {
  await postgres.stop()
  await rm(dataDir, { recursive: true, force: true })
}
