import { fork } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { applyMigrations } from '../../prisma/migrate.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'

/** A figure beside its limit, measured in the same run. */
export interface Comparison {
  readonly name: string
  readonly unit: string
  readonly ours: number
  readonly limit: number
  /** What the limit is. */
  readonly beside: string
  /** The goal for ours/limit, and which side of it is good. */
  readonly goal: number
  readonly good: 'at least' | 'at most'
  /** The ratio of each round, to be shown as a range; left out where there is no saying which belong together. */
  readonly ratios?: readonly number[]
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number

export const percentile = (values: readonly number[], p: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] as number

/** Runs measurements in turn, A B A B: what slows the machine down slows all of them. Answers what each round found. */
export const allInTurn = async (
  rounds: number,
  ...measurements: readonly (() => Promise<number>)[]
): Promise<readonly (readonly number[])[]> => {
  const found: number[][] = measurements.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, measure] of measurements.entries()) found[index]?.push(await measure())
  }
  return found
}

/** Runs two measurements in turn, and answers their medians. */
export const inTurn = async (
  rounds: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<{ a: number; b: number }> => {
  const [as = [], bs = []] = await allInTurn(rounds, a, b)
  return { a: median(as), b: median(bs) }
}

export const report = ({ name, unit, ours, limit, beside, goal, good, ratios = [] }: Comparison): boolean => {
  const ratio = ours / limit
  const met = good === 'at least' ? ratio >= goal : ratio <= goal
  const number = (value: number) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2))
  const range =
    ratios.length > 1
      ? ` (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)} in ${ratios.length} rounds)`
      : ''
  process.stdout.write(
    `${met ? 'met   ' : 'MISSED'}  ${name}: ${number(ours)} ${unit} beside ${number(limit)} (${beside}): ratio ${ratio.toFixed(2)}${range}, goal ${good} ${goal}\n`,
  )
  return met
}

export interface BenchServer {
  readonly databaseUrl: string
  readonly url: string
  readonly bareUrl: string
  readonly key: string
  stop(): Promise<void>
}

/** A database with everything that makes it safe switched on, as in production. */
export const startDatabase = async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'carillon-bench-'))
  await chmod(dataDir, 0o755)
  const postgres = await startEmbeddedPostgres({ dataDir })
  await applyMigrations(postgres.url)
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** What autovacuum does in its first minute: until then statements run with plans that were made for empty tables. */
export const settleDatabase = async (databaseUrl: string): Promise<void> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('vacuum analyze')
  await client.end()
}

/** A measured server, in a process of its own: that of a script of this folder. */
export const startServer = async (
  databaseUrl: string,
  { script = 'server', env = {} }: { readonly script?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<BenchServer> => {
  const child = fork(import.meta.filename.replace(/measure(\.\w+)$/, `${script}$1`), {
    env: { ...process.env, ...env, DATABASE_URL: databaseUrl },
  })
  const started = await new Promise<Omit<BenchServer, 'stop' | 'databaseUrl'>>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Omit<BenchServer, 'stop' | 'databaseUrl'>))
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
  return {
    ...started,
    databaseUrl,
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit')
        child.once('exit', () => resolve())
        child.send('stop')
      }),
  }
}
