import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebhookUnavailableError } from '../../../server/adapters/adapter.ts'
import { download } from '../../../server/adapters/receivers/sns-download.ts'

const servers: Server[] = []

const serving = async (answer: RequestListener): Promise<string> => {
  const server = createServer(answer)
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/certificate.pem`
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
})

test('what is answered with 200 is what it gives', async () => {
  expect(await download(await serving((_request, response) => response.end('certificate')))).toBe('certificate')
})

test('a redirect is not followed', async () => {
  const asked: (string | undefined)[] = []
  const url = await serving((request, response) => {
    asked.push(request.url)
    response.writeHead(302, { location: '/elsewhere' }).end('secret words')
  })
  await expect(download(url)).rejects.toThrow('Amazon SNS answered with HTTP 302')
  expect(asked).toEqual(['/certificate.pem'])
})

test.each([204, 304, 400, 403, 404, 500])('HTTP %i is no certificate, whatever comes with it', async (status) => {
  const url = await serving((_request, response) => response.writeHead(status).end())
  await expect(download(url)).rejects.toThrow(`Amazon SNS answered with HTTP ${status}`)
})

test('an answer may be 64 KiB long and no longer, whether it says so or goes on without end', async () => {
  const size = 64 * 1024
  const fitting = await serving((_request, response) => response.end('x'.repeat(size)))
  expect(await download(fitting)).toHaveLength(size)
  const longer = await serving((_request, response) => response.end('x'.repeat(size + 1)))
  await expect(download(longer)).rejects.toThrow('more than it should')
  const endless = await serving((_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
    }
    response.on('drain', more)
    more()
  })
  await expect(download(endless)).rejects.toThrow('more than it should')
})

test.each<[string, RequestListener]>([
  ['says nothing', () => {}],
  ['stops in the middle', (_request, response) => response.writeHead(200, { 'content-length': 100 }).write('cert')],
])('whoever %s is not waited for', async (_name, answer) => {
  await expect(download(await serving(answer), { timeoutMs: 100 })).rejects.toThrow(/did not answer/)
})

test('whoever hangs up is no certificate', async () => {
  const url = await serving((request) => request.socket.destroy())
  await expect(download(url)).rejects.toThrow('Amazon SNS did not answer')
})

test('no error names the address, and each says that the webhook is to be sent again', async () => {
  for (const answer of [
    (request) => request.socket.destroy(),
    (_request, response) => response.writeHead(403).end(),
    (_request, response) => response.end('x'.repeat(64 * 1024 + 1)),
  ] satisfies RequestListener[]) {
    const error = await download(await serving(answer)).catch((error: Error) => error)
    expect(error).toBeInstanceOf(WebhookUnavailableError)
    expect((error as Error).message).not.toContain('127.0.0.1')
  }
})
