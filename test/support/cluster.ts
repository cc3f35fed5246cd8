import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { applyMigrations } from '../../prisma/migrate.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { chosenPostgres } from './chosen-postgres.ts'
import { databaseUrl, TEMPLATE } from './database.ts'

declare module 'vitest' {
  interface ProvidedContext {
    clusterUrl: string
  }
}

/** One PostgreSQL for the whole run, with one migrated database that every test's own is a copy of. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'carillon-test-'))
  // The account that runs PostgreSQL has to reach it.
  await chmod(dataDir, 0o755)
  const postgres = await startEmbeddedPostgres({ dataDir, ephemeral: true, ...chosenPostgres() })
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(`create database ${TEMPLATE}`)
  await client.end()
  await applyMigrations(databaseUrl(postgres.url, TEMPLATE))
  project.provide('clusterUrl', postgres.url)
  return async () => {
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
