import { afterEach, beforeEach, expect, test } from 'vitest'
import { serve } from '../../server/cli/serve.ts'
import { readEnvironment } from '../../server/environment.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { greeting } from '../support/notifiers.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database.drop())

/** What comes of reading metrics at the doors that such a server opens. */
const doorsOf = async (production: boolean, metrics: { host: string; port: number } | null) => {
  const environment = {
    ...readEnvironment({ PORT: '0' }),
    logLevel: 'silent' as const,
    metrics,
    production,
  }
  const served = await serve(environment, {
    databaseUrl: database.url,
    config: { notifiers: [greeting] },
    secretKey: 'a-secret-key-for-tests-of-32-characters',
  })
  try {
    const status = async (url: string | URL) => (await fetch(url)).status
    return {
      atTheApi: await status(new URL('/metrics', served.http.url)),
      atItsOwn: served.metricsUrl && (await status(served.metricsUrl)),
    }
  } finally {
    await served.close()
  }
}

test('in development this machine reads metrics without a key', async () => {
  expect(await doorsOf(false, null)).toEqual({ atTheApi: 200, atItsOwn: null })
})

test('in production nobody does, but at a door of their own', async () => {
  expect(await doorsOf(true, { host: '127.0.0.1', port: 0 })).toEqual({ atTheApi: 401, atItsOwn: 200 })
})
