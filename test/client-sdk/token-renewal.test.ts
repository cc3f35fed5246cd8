import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { until } from '../support/until.ts'
import { config, countUp } from './service.ts'

let carillon: TestCarillon
let backend: CarillonClient
beforeAll(async () => {
  carillon = await startCarillon(config)
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
})
afterAll(() => carillon.close())

test('a watch outlives its tokens: a new one is asked for when one has ended, and nothing is missed', async () => {
  const tokens: string[] = []
  const refusals: string[] = []
  const client = createClient({
    url: carillon.graphqlUrl,
    async token() {
      // The third time the host's own login is away for a moment.
      if (tokens.length === 2 && refusals.at(-1) !== 'TOKEN_FAILED') throw new Error('log in again')
      const { token } = await backend.createRecipientToken({ recipientId: 'bob', ttlSeconds: 2 })
      tokens.push(token)
      return token
    },
    onRetry: ({ code }) => refusals.push(code),
  })
  const updates = client.watchInbox()
  await updates.next()
  const seen: unknown[] = []
  const reading = (async () => {
    for await (const { changed } of updates) {
      seen.push(...changed.map(({ content }) => (content?.data as { count: number } | undefined)?.count))
      if (seen.length === 4) break
    }
  })()
  for (const count of [0, 1, 2, 3]) {
    // Each token's own notification: told as soon as the token is there, which the socket may not be yet.
    await until(`token ${count + 1} is asked for`, () => tokens.length > count)
    await countUp(backend, { recipientId: 'bob', from: count, to: count + 1 })
  }
  await reading
  client.close()
  expect(seen).toEqual([0, 1, 2, 3])
  expect(new Set(tokens).size).toBe(tokens.length)
  expect(new Set(refusals)).toEqual(new Set(['UNAUTHENTICATED', 'TOKEN_FAILED']))
})

test('a token is replaced on the socket before it ends: the connection outlives it', async () => {
  const tokens: string[] = []
  const ends: number[] = []
  const losses: string[] = []
  const client = createClient({
    url: carillon.graphqlUrl,
    async token() {
      const { token } = await backend.createRecipientToken({ recipientId: 'ann', ttlSeconds: 5 })
      tokens.push(token)
      ends.push(Date.now() + 5_000)
      return token
    },
    onRetry: ({ code }) => losses.push(code),
  })
  const updates = client.watchInbox()
  await updates.next()
  await until('the first token has ended', () => Date.now() > (ends[0] ?? Number.POSITIVE_INFINITY))
  expect(tokens).toHaveLength(2)
  await countUp(backend, { recipientId: 'ann', to: 1 })
  const { value } = await updates.next()
  client.close()
  expect(value?.counts.total).toBe(1)
  expect(losses).toEqual([])
})

test('a watch with a token that nobody renews ends with it', async () => {
  const { token } = await backend.createRecipientToken({ recipientId: 'eve', ttlSeconds: 2 })
  const client = createClient({ url: carillon.graphqlUrl, token })
  const updates = client.watchInbox()
  await updates.next()
  await expect(updates.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  await expect(client.inbox()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
  client.close()
})
