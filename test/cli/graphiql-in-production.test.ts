import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { until } from '../support/until.ts'
import { ask, startProcess } from './carillon-process.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

test.each([
  [{}, false],
  [{ CARILLON_GRAPHIQL: 'off' }, false],
  [{ CARILLON_GRAPHIQL: 'on' }, true],
])('a service under `start`, without NODE_ENV, with %j has GraphiQL and tells its schema: %s', async (env, there) => {
  const service = startProcess(
    {
      PORT: '0',
      DATABASE_URL: carillon.databaseUrl,
      CARILLON_SECRET_KEY: 'a-secret-key-for-tests-of-32-characters',
      ...env,
    },
    ['start'],
  )
  try {
    const url = await until('it listens', () => /listens at (\S+)/.exec(service.output())?.[1])
    const page = await fetch(new URL('/graphiql', url))
    const text = await page.text()
    expect([page.status, page.headers.get('x-content-type-options')]).toEqual([there ? 200 : 404, 'nosniff'])
    // Anybody may open it: there is no key in it, and nothing of the host's.
    expect(/Bearer ck_|ck_[\w-]{43}|comment\.mentioned/.test(text)).toBe(false)
    const answer = await ask(url, carillon.operatorKey, '{ __schema { queryType { name } } }')
    expect(answer.data?.['__schema'] !== undefined).toBe(there)
    expect((await fetch(new URL('/demo', url))).status).toBe(404)
    expect((await fetch(new URL('/metrics', url))).status).toBe(401)
  } finally {
    await service.stop()
  }
})
