import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ask, type CarillonProcess, readDevFile, startProcess } from './carillon-process.ts'

let dataDir: string
let running: CarillonProcess[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'carillon-dev-'))
  await chmod(dataDir, 0o755)
})
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop('SIGTERM')))
  running = []
  await rm(dataDir, { recursive: true, force: true })
})

const start = (env: NodeJS.ProcessEnv = {}, args: readonly string[] = []): CarillonProcess => {
  const one = startProcess({ CARILLON_DATA_DIR: dataDir, PORT: '0', ...env }, args)
  running.push(one)
  return one
}

const TRIGGER = `mutation { trigger(input: { notificationKey: "comment.mentioned", idempotencyKey: "first",
  payload: { author: "Ada", text: "Hello", threadId: "t", mentioned: ["bob"] } }) { deduplicated event { id } } }`

test('one command brings up everything, within 15 seconds, and Ctrl-C stops it cleanly; the next start keeps the data', async () => {
  const begun = performance.now()
  const first = start()
  await first.ready
  expect(performance.now() - begun).toBeLessThan(15_000)
  const keys = await readDevFile(dataDir)
  expect(Object.keys(keys).sort()).toEqual(['backendKey', 'graphqlUrl', 'operatorKey', 'tenantId', 'wsUrl'])
  expect((await stat(join(dataDir, 'dev.json'))).mode & 0o777).toBe(0o600)
  expect(first.output()).toContain(keys.graphqlUrl)
  expect(first.output()).toContain(keys.wsUrl)
  expect(await ask(keys.graphqlUrl, keys.backendKey, '{ viewer { tenantId scopes } }')).toEqual({
    data: { viewer: { tenantId: keys.tenantId, scopes: ['TRIGGER'] } },
  })
  expect(await ask(keys.graphqlUrl, keys.operatorKey, '{ viewer { scopes } }')).toEqual({
    data: { viewer: { scopes: ['TRIGGER', 'OPERATE'] } },
  })
  const { data } = await ask(keys.graphqlUrl, keys.backendKey, TRIGGER)
  expect(data?.['trigger']).toMatchObject({ deduplicated: false })
  expect(await first.stop('SIGINT')).toBe(0)

  const second = start()
  await second.ready
  const again = await readDevFile(dataDir)
  expect([again.backendKey, again.operatorKey]).toEqual([keys.backendKey, keys.operatorKey])
  const repeated = await ask(again.graphqlUrl, again.backendKey, TRIGGER)
  expect(repeated.data?.['trigger']).toMatchObject({
    deduplicated: true,
    event: (data as { trigger: { event: object } }).trigger.event,
  })
  expect(await second.stop('SIGTERM')).toBe(0)
})

test('GraphiQL needs nothing from elsewhere, comes with the key, and shows it under a loopback name alone', async () => {
  const carillon = start()
  await carillon.ready
  const { graphqlUrl, operatorKey } = await readDevFile(dataDir)
  const url = graphqlUrl.replace('/graphql', '/graphiql')
  const page = await fetch(url)
  const html = await page.text()
  expect(page.status).toBe(200)
  expect(html).toContain(operatorKey)
  expect(html).toContain('explanation')
  expect([...html.matchAll(/<(?:script|link)[^>]+(?:src|href)="(?!data:)([^"]+)"/g)].map((match) => match[1])).toEqual(
    [],
  )
  const unchanged = await fetch(url, { headers: { 'if-none-match': page.headers.get('etag') as string } })
  expect(unchanged.status).toBe(304)
  const { request } = await import('node:http')
  const rebound = await new Promise<number | undefined>((resolve) =>
    request(url, { headers: { host: 'attacker.example:4000' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).end(),
  )
  expect(rebound).toBe(403)
})

test('`dev` is development whatever NODE_ENV says: it tells its schema, and this machine reads metrics without a key', async () => {
  const carillon = start({ NODE_ENV: 'production' }, ['dev'])
  await carillon.ready
  const { graphqlUrl, operatorKey } = await readDevFile(dataDir)
  expect((await fetch(new URL('/metrics', graphqlUrl))).status).toBe(200)
  expect(await ask(graphqlUrl, operatorKey, '{ __schema { queryType { name } } }')).toEqual({
    data: { __schema: { queryType: { name: 'Query' } } },
  })
})

test('a second start on the same data says who has it', async () => {
  const first = start()
  await first.ready
  const second = start()
  expect(await second.ended).toBe(1)
  expect(second.output()).toContain(String(first.child.pid))
  expect(second.output()).not.toMatch(/\n\s+at /)
})

test('a port that is taken is named, and what to do', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const carillon = start({ PORT: String(port) })
  expect(await carillon.ended).toBe(1)
  expect(carillon.output()).toContain(`Port ${port} of 127.0.0.1 is taken`)
  expect(carillon.output()).not.toMatch(/\n\s+at /)
  other.close()
})

test('after kill -9 the next start simply works', async () => {
  const first = start()
  await first.ready
  const keys = await readDevFile(dataDir)
  await ask(keys.graphqlUrl, keys.backendKey, TRIGGER)
  await first.stop('SIGKILL')
  const second = start()
  await second.ready
  const again = await readDevFile(dataDir)
  expect((await ask(again.graphqlUrl, again.backendKey, TRIGGER)).data?.['trigger']).toMatchObject({
    deduplicated: true,
  })
})

test("a configuration of the host's own may stand anywhere, and finds carillon and zod", async () => {
  const config = join(dataDir, 'carillon.config.ts')
  await writeFile(
    config,
    `import { defineConfig, defineNotifier, log } from 'carillon'
import { z } from 'zod'
const hello = defineNotifier({
  key: 'hello', version: 1, payload: z.object({ name: z.string() }), channels: ['in_app', 'pager'],
  render: { in_app: ({ payload }) => ({ title: \`Hello \${payload.name}\` }), pager: () => ({}) },
})
export default defineConfig({ notifiers: [hello], adapters: { pager: log() } })
`,
  )
  const carillon = start({ CARILLON_CONFIG: config })
  await carillon.ready
  const { graphqlUrl, backendKey, operatorKey } = await readDevFile(dataDir)
  await ask(
    graphqlUrl,
    backendKey,
    'mutation { trigger(input: { notificationKey: "hello", idempotencyKey: "1", payload: { name: "Bob" }, recipients: [{ id: "bob" }] }) { deduplicated } }',
  )
  const inbox = await ask(
    graphqlUrl,
    operatorKey,
    '{ inbox(recipientId: "bob") { notifications { edges { node { content { title } } } } } }',
  )
  expect(inbox).toEqual({
    data: { inbox: { notifications: { edges: [{ node: { content: { title: 'Hello Bob' } } }] } } },
  })
})

test.each([
  [
    'a notifier without a render',
    `defineConfig({ notifiers: [defineNotifier({ key: 'a', version: 1, payload: z.object({}), channels: ['email'], render: {} as never })], adapters: { email: log() } })`,
    /Notifier "a": channel "email" has no `render.email`/,
  ],
  [
    'a digest rule without a window',
    `defineConfig({ notifiers: [], digestRules: [{ key: 'daily', version: 1, channel: 'email', groupBy: 'category' }] as never })`,
    /Digest rule "daily": window.kind must be one of fixed, boundary, sliding/,
  ],
  [
    'a channel that nothing carries',
    `defineConfig({ notifiers: [defineNotifier({ key: 'a', version: 1, payload: z.object({}), channels: ['sms'], render: { sms: () => ({ text: 'x' }) } })] })`,
    /Notifier "a": channel "sms" has no adapter/,
  ],
  ['a syntax error', 'defineConfig({', /cannot be loaded/],
])('%s in the configuration is named at the start, before anything is opened', async (_, expression, words) => {
  const config = join(dataDir, 'carillon.config.ts')
  await writeFile(
    config,
    `import { defineConfig, defineNotifier, log } from 'carillon'\nimport { z } from 'zod'\nvoid [defineNotifier, log, z]\nexport default ${expression}\n`,
  )
  const carillon = start({ CARILLON_CONFIG: config })
  expect(await carillon.ended).toBe(1)
  expect(carillon.output()).toMatch(words)
  expect(carillon.output()).not.toMatch(/\n\s+at /)
  await expect(stat(join(dataDir, 'postgres'))).rejects.toThrow()
})

test('every fault of the environment is named at once', async () => {
  const carillon = start({ PORT: 'eighty', DATABASE_URL: 'mysql://nowhere', CARILLON_SECRET_KEY: 'short' })
  expect(await carillon.ended).toBe(1)
  expect(carillon.output()).toMatch(/PORT must be a port number/)
  expect(carillon.output()).toMatch(/DATABASE_URL must be a postgres:\/\/ address/)
  expect(carillon.output()).toMatch(/CARILLON_SECRET_KEY must have at least 32 characters/)
})

test.each([
  ['without a command, where NODE_ENV says so,', { NODE_ENV: 'production' }, []],
  ['under `start`', {}, ['start']],
])('production %s asks for what it needs', async (_, env, args) => {
  const carillon = start(env, args)
  expect(await carillon.ended).toBe(1)
  expect(carillon.output()).toMatch(/DATABASE_URL and CARILLON_SECRET_KEY must be set in production/)
})
