import { Agent, get } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveHttp } from '../../server/http/server.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { openRawSocket } from '../support/raw-socket.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

/** What is answered to a caller that would like to keep its connection. */
const answerAt = (url: string, agent: Agent): Promise<{ status: number; connection: string }> =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume()
      const { statusCode = 0, headers } = response
      response.once('end', () => resolve({ status: statusCode, connection: headers.connection ?? '' }))
    }).once('error', reject)
  })

test('a server that is told to close later is not ready at once, goes on answering, and lets go of each caller with its answer', async () => {
  const http = await serveHttp(carillon.app, { host: '127.0.0.1', port: 0 })
  const agent = new Agent({ keepAlive: true })
  expect(await answerAt(`${http.url}/health/ready`, agent)).toEqual({ status: 200, connection: 'keep-alive' })
  const token = await carillon.tokenFor('ada')
  const socketUrl = `${http.url.replace('http', 'ws')}/graphql`
  const early = await openRawSocket(socketUrl, { token })

  let closeNow = (): void => {}
  const after = new Promise<void>((resolve) => {
    closeNow = resolve
  })
  let isClosed = false
  const closed = http.close({ after }).then(() => {
    isClosed = true
  })
  expect(await answerAt(`${http.url}/health/ready`, agent)).toEqual({ status: 503, connection: 'close' })
  expect(await answerAt(`${http.url}/health/live`, agent)).toEqual({ status: 200, connection: 'close' })
  const asked = await fetch(`${http.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ inbox { counts { total } } }' }),
  })
  expect(asked.headers.get('connection')).toBe('close')
  expect(await asked.json()).toEqual({ data: { inbox: { counts: { total: 0 } } } })
  // A load balancer that has not heard of it yet still sends sockets, too.
  const late = await openRawSocket(socketUrl, { token })
  for (const socket of [early, late]) {
    socket.subscribe('1', 'subscription { inboxUpdates { cursor } }')
    await socket.message(({ type }) => type === 'next')
    expect(socket.closed).toBeNull()
  }
  await nextTurn()
  expect(isClosed).toBe(false)

  closeNow()
  expect([(await early.closure()).code, (await late.closure()).code]).toEqual([1001, 1001])
  await closed
  await expect(answerAt(`${http.url}/health/live`, agent)).rejects.toThrow('ECONNREFUSED')
  agent.destroy()
})
