import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { getMainDefinition } from '@apollo/client/utilities'
import { cacheExchange, fetchExchange, subscriptionExchange, Client as UrqlClient } from '@urql/core'
import { createClient as createWsClient } from 'graphql-ws'
import { EventSource } from 'undici'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { type CarillonClient, createClient, InboxDocument, MarkReadDocument } from '../../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { until } from '../../support/until.ts'
import { config, countUp } from '../service.ts'

/** The same story by clients that know nothing of Carillon but its schema: read, mark, and be told. */

const INBOX = `query Inbox { inbox { cursor counts { unread } notifications(first: 10) { edges { node { id content { title } readAt } } } } }`
const MARK = `mutation Mark($ids: [ID!]!) { markRead(input: { ids: $ids }) { counts { unread } notifications { id readAt } } }`
const UPDATES = `subscription Updates($after: InboxCursor) { inboxUpdates(after: $after) { cursor counts { unread } changed { id content { title } readAt } } }`

interface Inbox {
  readonly inbox: {
    readonly cursor: string
    readonly counts: { readonly unread: number }
    readonly notifications: {
      readonly edges: readonly { readonly node: { readonly id: string; readonly readAt: string | null } }[]
    }
  }
}
interface Updates {
  readonly inboxUpdates: { readonly cursor: string; readonly counts: { readonly unread: number } }
}

let carillon: TestCarillon
let backend: CarillonClient
beforeAll(async () => {
  carillon = await startCarillon(config)
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
})
afterAll(() => carillon.close())

const openSocket = (token: string) => {
  const socket = createWsClient({ url: carillon.wsUrl, connectionParams: { token }, webSocketImpl: WebSocket })
  onTestFinished(() => socket.dispose())
  return socket
}

test('Apollo Client reads, marks into its normalised cache, and is told', async () => {
  await countUp(backend, { recipientId: 'apollo', to: 2 })
  const token = await carillon.tokenFor('apollo')
  const http = new HttpLink({ uri: carillon.graphqlUrl, headers: { authorization: `Bearer ${token}` } })
  const socket = new GraphQLWsLink(openSocket(token))
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ query }) => {
        const main = getMainDefinition(query)
        return main.kind === 'OperationDefinition' && main.operation === 'subscription'
      },
      socket,
      http,
    ),
  })
  onTestFinished(() => apollo.stop())
  const { data } = await apollo.query<Inbox>({ query: gql(INBOX) })
  expect(data?.inbox.counts.unread).toBe(2)
  const [first] = data?.inbox.notifications.edges ?? []
  await apollo.mutate({ mutation: gql(MARK), variables: { ids: [first?.node.id] } })
  const cached = apollo.readQuery<Inbox>({ query: gql(INBOX) })
  expect(cached?.inbox.notifications.edges.map(({ node }) => node.readAt !== null)).toEqual([true, false])

  const unread: (number | undefined)[] = []
  const following = apollo
    .subscribe<Updates>({ query: gql(UPDATES), variables: { after: data?.inbox.cursor } })
    .subscribe((update) => unread.push(update.data?.inboxUpdates.counts.unread))
  onTestFinished(() => following.unsubscribe())
  await until('it is told of its own mark', () => unread.at(-1) === 1)
  await countUp(backend, { recipientId: 'apollo', from: 2, to: 3 })
  await until('it is told of what arrives', () => unread.at(-1) === 2)
})

test('urql reads, marks and is told', async () => {
  await countUp(backend, { recipientId: 'urql', to: 2 })
  const token = await carillon.tokenFor('urql')
  const socket = openSocket(token)
  const urql = new UrqlClient({
    url: carillon.graphqlUrl,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization: `Bearer ${token}` } },
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query, variables: variables as Record<string, unknown> }, sink as never),
          }),
        }),
      }),
    ],
  })
  const { data } = await urql.query<Inbox>(INBOX, {}).toPromise()
  expect(data?.inbox.counts.unread).toBe(2)
  const unread: (number | undefined)[] = []
  const following = urql
    .subscription<Updates>(UPDATES, { after: data?.inbox.cursor })
    .subscribe((update) => unread.push(update.data?.inboxUpdates.counts.unread))
  onTestFinished(() => following.unsubscribe())
  await until('it is told where it stands', () => unread.length === 1)
  const ids = data?.inbox.notifications.edges.map(({ node }) => node.id)
  const marked = await urql.mutation(MARK, { ids }).toPromise()
  expect(marked.data?.markRead.counts.unread).toBe(0)
  await until('it is told of its mark', () => unread.at(-1) === 0)
})

test('graphql-ws’s own client does everything over one socket', async () => {
  await countUp(backend, { recipientId: 'socket', to: 1 })
  const socket = openSocket(await carillon.tokenFor('socket'))
  const ask = async (query: string, variables?: Record<string, unknown>) => {
    for await (const { data } of socket.iterate<Inbox>({ query, variables })) return data
    return null
  }
  const before = await ask(INBOX)
  const updates = socket.iterate<Updates>({ query: UPDATES, variables: { after: before?.inbox.cursor } })
  const next = async () => {
    const { value } = await updates.next()
    return value?.data?.inboxUpdates.counts.unread
  }
  expect(await next()).toBe(1)
  await ask(MARK, { ids: before?.inbox.notifications.edges.map(({ node }) => node.id) })
  expect(await next()).toBe(0)
  await updates.return?.()
})

test('a plain EventSource is told, with the token in its address', async () => {
  const address = new URL(carillon.graphqlUrl)
  address.searchParams.set('token', await carillon.tokenFor('events'))
  address.searchParams.set('query', UPDATES)
  const source = new EventSource(address.href)
  onTestFinished(() => source.close())
  const unread: number[] = []
  source.addEventListener('next', (event) => {
    const { data } = JSON.parse((event as MessageEvent<string>).data) as { readonly data: Updates }
    unread.push(data.inboxUpdates.counts.unread)
  })
  await until('it is told where it stands', () => unread.length === 1)
  await countUp(backend, { recipientId: 'events', to: 2 })
  await until('it is told of what arrives', () => unread.at(-1) === 2)
})

test('this package’s documents are strings that any of them sends', async () => {
  await countUp(backend, { recipientId: 'strings', to: 1 })
  const token = await carillon.tokenFor('strings')
  const send = async (document: { toString(): string }, variables: object) => {
    const response = await fetch(carillon.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: document.toString(), variables }),
    })
    return (await response.json()) as { readonly data: unknown }
  }
  expect((await send(InboxDocument, {})).data).toMatchObject({ inbox: { counts: { unread: 1 } } })
  const { data } = await send(MarkReadDocument, { input: { filter: {} } })
  expect(data).toMatchObject({ markRead: { affectedCount: 1 } })
})
