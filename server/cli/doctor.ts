import { CONNECTIONS_PER_POOL, type Database, openDatabase } from '../db/client.ts'
import type { Environment } from '../environment.ts'
import { openPostgresBus } from '../realtime/postgres-bus.ts'
import { openRedisBus } from '../realtime/redis-bus.ts'
import { createTelemetry } from '../telemetry.ts'
import { adapterFindings } from './doctor/adapters.ts'
import { busFinding } from './doctor/bus.ts'
import {
  clockFinding,
  connectionsFinding,
  measureSkew,
  migrationsFinding,
  rowSecurityFinding,
  serverFinding,
  sessionFindings,
  vacuumFinding,
} from './doctor/database.ts'
import { type Finding, faultOf, look, warning } from './doctor/finding.ts'
import { type LoadedConfig, lookAtConfiguration, lookAtEnvironment, nodeFinding } from './doctor/installation.ts'
import { persistedFinding } from './doctor/persisted-operations.ts'
import { queueFindings, unqueuedFinding } from './doctor/queue.ts'
import { replicaFinding } from './doctor/replica.ts'
import { answerNo, progress, say, sayJson } from './output.ts'
import { databaseError, databaseUrlOf } from './with-database.ts'

const several = async (name: string, work: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> =>
  work().catch((error: Error) => [faultOf(name, error)])

const openBus = (url: string, db: Database, { redisUrl }: Environment) => {
  const common = { pool: db.system, telemetry: createTelemetry() }
  return redisUrl === null ? openPostgresBus({ ...common, url }) : openRedisBus({ ...common, url: redisUrl })
}

/** All that is seen by a session of the service's own. */
const lookInside = async (
  url: string,
  environment: Environment,
  loaded: LoadedConfig | null,
): Promise<readonly Finding[]> => {
  const db = openDatabase({ url, connections: 2 })
  try {
    const carrier = environment.redisUrl === null ? 'LISTEN and NOTIFY' : 'Redis'
    return [
      ...(await several('session', () => sessionFindings(db, { ownCluster: environment.databaseUrl === null }))),
      await look('row-level security', () => rowSecurityFinding(db)),
      await look('clocks', async () => clockFinding(await measureSkew(db, Date.now))),
      await look('connections', () => connectionsFinding(db, environment.connections ?? CONNECTIONS_PER_POOL)),
      await look('autovacuum', () => vacuumFinding(db)),
      await look('bus', () => busFinding(carrier, () => openBus(url, db, environment))),
      ...(environment.replicaUrl === null
        ? []
        : [await look('replica', () => replicaFinding(environment.replicaUrl as string))]),
      ...(await several('queue', () => queueFindings(db, loaded?.read.routes ?? null))),
      await look('queue is whole', () => unqueuedFinding(db)),
    ]
  } finally {
    await db.close()
  }
}

const lookAtDatabase = async (environment: Environment, loaded: LoadedConfig | null): Promise<readonly Finding[]> => {
  const url = await databaseUrlOf(environment)
  if (url === null) {
    return [
      warning(
        'database',
        'DATABASE_URL is not set, and no `carillon dev` has run here',
        '`carillon dev` makes a database of its own; for any other, set DATABASE_URL',
      ),
    ]
  }
  const inWords = (error: unknown): never => {
    throw databaseError(error, environment.databaseUrl === null)
  }
  const server = await look('database', () => serverFinding(url).catch(inWords))
  if (server.state === 'fault') return [server]
  const migrations = await look('migrations', () => migrationsFinding(url))
  // Without its schema there is nothing to look at inside.
  if (migrations.state === 'fault') return [server, migrations]
  return [server, migrations, ...(await lookInside(url, environment, loaded))]
}

const MARK = { ok: 'ok     ', warning: 'warning', fault: 'FAULT  ' } as const

const shown = (findings: readonly Finding[]): string => {
  const width = Math.max(...findings.map(({ name }) => name.length))
  const margin = ' '.repeat(width + 11)
  return findings
    .flatMap(({ name, state, seen, advice }) => [
      `${MARK[state]}  ${name.padEnd(width)}  ${seen.replaceAll('\n', `\n${margin}`)}`,
      ...(advice === null ? [] : [`${margin}→ ${advice.replaceAll('\n', `\n${margin}`)}`]),
    ])
    .join('\n')
}

const verdict = (findings: readonly Finding[]): string => {
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  const [faults, warnings] = [count('fault'), count('warning')]
  if (faults + warnings === 0) return 'All is well.'
  return `${faults} fault${faults === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}.`
}

/** Looks at all that the service stands on, with these variables of the environment. Writes nothing, sends nothing. */
export const examine = async (variables: NodeJS.ProcessEnv): Promise<readonly Finding[]> => {
  const findings: Finding[] = [nodeFinding(process.versions.node)]
  const { environment, findings: ofEnvironment } = lookAtEnvironment(variables)
  findings.push(...ofEnvironment)
  if (environment) {
    const { loaded, findings: ofConfiguration } = await lookAtConfiguration(environment)
    findings.push(...ofConfiguration, await persistedFinding(environment))
    progress('Looking at the database ...')
    findings.push(...(await lookAtDatabase(environment, loaded)))
    if (loaded) {
      progress('Looking at the adapters ...')
      findings.push(...(await adapterFindings(loaded.read.routes)))
    }
  }
  return findings
}

/** `carillon doctor`. */
export const doctor = async (variables: NodeJS.ProcessEnv, { json }: { readonly json: boolean }): Promise<void> => {
  const findings = await examine(variables)
  const isWell = findings.every(({ state }) => state !== 'fault')
  if (!isWell) answerNo()
  if (json) return sayJson({ ok: isWell, checks: findings })
  say(`${shown(findings)}\n\n${verdict(findings)}`)
}
