import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { CarillonClientError, createClient } from '../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { config } from './service.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(config)
})
afterAll(() => carillon.close())

const errorOf = async (promise: Promise<unknown>): Promise<CarillonClientError> => {
  const outcome: unknown = await promise.then(
    () => 'no error',
    (error: unknown) => error,
  )
  expect(outcome).toBeInstanceOf(CarillonClientError)
  return outcome as CarillonClientError
}

/** Whatever else may stand at an address: a load balancer, a page, nothing. */
const standIn = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
}

const trigger = {
  notificationKey: 'count.reached',
  idempotencyKey: 'a',
  payload: { count: 1 },
  recipients: [{ id: 'bob' }],
}

test('a mistake comes back with its code and where it is', async () => {
  const backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
  const { event } = await backend.trigger(trigger)

  const invalid = await errorOf(backend.trigger({ ...trigger, idempotencyKey: 'b', payload: { count: 'one' } }))
  expect(invalid).toMatchObject({ code: 'INVALID_PAYLOAD', status: 200 })
  expect(invalid.issues?.[0]?.path.at(-1)).toBe('count')

  const conflict = await errorOf(backend.trigger({ ...trigger, payload: { count: 2 } }))
  expect(conflict).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', eventId: event.id, issues: null, path: null })

  const unknown = await errorOf(backend.trigger({ ...trigger, notificationKey: 'no.such' }))
  expect(unknown.code).toBe('NOTIFIER_NOT_FOUND')

  const blank = await errorOf(backend.trigger({ ...trigger, recipients: [{ id: 'x' }, { id: ' ' }] }))
  expect(blank).toMatchObject({ code: 'BAD_USER_INPUT', path: ['input', 'recipients', 1, 'id'] })

  const malformed = await errorOf(backend.request('{ nonsense }'))
  expect(malformed.code).toBe('BAD_USER_INPUT')
  expect(malformed.errors).toHaveLength(1)

  expect(await errorOf(backend.deliveries())).toMatchObject({ code: 'FORBIDDEN' })
})

test('a mistake is told the same way however often it is made', async () => {
  const backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
  for (let time = 0; time < 6; time += 1) {
    const error = await errorOf(backend.cancelEvent({ eventId: 'no id' }))
    expect(error).toMatchObject({ code: 'NOT_FOUND', message: 'There is no such event' })
  }
})

test('a refused credential is UNAUTHENTICATED, with the status', async () => {
  const stranger = createClient({ url: carillon.graphqlUrl, token: 'ck_nobody' })
  expect(await errorOf(stranger.viewer())).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
  const loggedOut = createClient({ url: carillon.graphqlUrl, token: () => null })
  expect(await errorOf(loggedOut.viewer())).toMatchObject({ code: 'UNAUTHENTICATED', status: null })
})

test('a token is asked for once, and again when it is refused', async () => {
  const given: string[] = []
  const client = createClient({
    url: carillon.graphqlUrl,
    async token() {
      given.push(given.length === 0 ? 'ck_revoked' : carillon.backendKey)
      return given.at(-1) as string
    },
  })
  const viewers = await Promise.all([client.viewer(), client.viewer(), client.viewer()])
  expect(viewers.map(({ tenantId }) => tenantId)).toEqual(['acme', 'acme', 'acme'])
  await client.viewer()
  expect(given).toEqual(['ck_revoked', carillon.backendKey])
})

test('a token function that throws is named as what failed', async () => {
  const cause = new Error('the session is over')
  const client = createClient({ url: carillon.graphqlUrl, token: () => Promise.reject(cause) })
  const error = await errorOf(client.viewer())
  expect(error).toMatchObject({ code: 'TOKEN_FAILED', cause })
  expect(error.message).toContain('the session is over')
})

test('a server that is away is a NETWORK_ERROR that names it', async () => {
  const gone = createServer()
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}/graphql`
  await new Promise((resolve) => gone.close(resolve))
  const error = await errorOf(createClient({ url, token: 'ck_x' }).viewer())
  expect(error).toMatchObject({ code: 'NETWORK_ERROR', status: null })
  expect(error.message).toContain(url)
  expect(error.message).toContain('ECONNREFUSED')
})

test('a server that does not answer in time is a NETWORK_ERROR', async () => {
  const url = await standIn(() => {})
  const error = await errorOf(createClient({ url, token: 'ck_x', timeoutMs: 50 }).viewer())
  expect(error).toMatchObject({ code: 'NETWORK_ERROR' })
  expect(error.message).toContain('no answer within 0.05 s')
})

test("a request that its caller ends rejects with the caller's own reason", async () => {
  const ending = new AbortController()
  const reason = new Error('the page is left')
  const url = await standIn(() => {
    ending.abort(reason)
  })
  await expect(createClient({ url, token: 'ck_x' }).viewer({}, { signal: ending.signal })).rejects.toBe(reason)
})

test('503 is UNAVAILABLE with the time to wait, whoever says it', async () => {
  const inGraphQL = await standIn((_, response) => {
    const body = { errors: [{ message: 'The database is away', extensions: { code: 'UNAVAILABLE', errorId: 'f00' } }] }
    response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '7' }).end(JSON.stringify(body))
  })
  const said = await errorOf(createClient({ url: inGraphQL, token: 'ck_x' }).viewer())
  expect(said).toMatchObject({
    code: 'UNAVAILABLE',
    status: 503,
    retryAfterSeconds: 7,
    message: 'The database is away',
    errorId: 'f00',
  })

  const inFront = await standIn((_, response) => {
    const at = new Date(Date.now() + 60_000).toUTCString()
    response.writeHead(503, { 'content-type': 'text/html', 'retry-after': at }).end('<h1>Service Unavailable</h1>')
  })
  const proxied = await errorOf(createClient({ url: inFront, token: 'ck_x' }).viewer())
  expect(proxied).toMatchObject({ code: 'UNAVAILABLE', status: 503 })
  expect(proxied.retryAfterSeconds).toBeGreaterThan(50)
  expect(proxied.retryAfterSeconds).toBeLessThanOrEqual(60)
})

test('something else at the address is a BAD_RESPONSE that says what to look at', async () => {
  const wrongPath = createClient({ url: carillon.graphqlUrl.replace('/graphql', '/'), token: carillon.backendKey })
  const notFound = await errorOf(wrongPath.viewer())
  expect(notFound).toMatchObject({ code: 'BAD_RESPONSE', status: 404 })
  expect(notFound.message).toContain('text/plain')
  expect(notFound.message).toContain('/graphql')

  const json = await standIn((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('[1]')
  })
  const error = await errorOf(createClient({ url: json, token: 'ck_x' }).viewer())
  expect(error).toMatchObject({ code: 'BAD_RESPONSE', status: 200 })
})
