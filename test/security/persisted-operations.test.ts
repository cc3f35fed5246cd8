import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as ofConsole from '../../client-sdk/console/generated/operations.ts'
import { createClient, createInboxStore } from '../../client-sdk/index.ts'
import { hashOf } from '../../server/cli/persisted-manifest.ts'
import type { PersistedOnly } from '../../server/core/persisted-operations.ts'
import { type HttpServer, serveHttp } from '../../server/http/server.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { eventsOf } from '../support/event-stream.ts'
import { greeting } from '../support/notifiers.ts'
import { persisted } from '../support/persisted.ts'
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts'
import { trigger } from '../support/trigger.ts'
import { until } from '../support/until.ts'
import { tallyOf } from './tally.ts'

const WHO = 'query Who { viewer { tenantId recipientId } }'
const WHOSE = 'query Whose { viewer { ...V } } fragment V on Viewer { tenantId }'
const COUNTS = 'query Counts($recipientId: ID) { inbox(recipientId: $recipientId) { counts { total } } }'
const SEEN = 'mutation Seen($input: InboxSelectionInput!) { markSeen(input: $input) { affectedCount } }'
const UPDATES =
  'subscription Updates($recipientId: ID) { inboxUpdates(recipientId: $recipientId) { counts { total } } }'
const LISTED = [WHO, WHOSE, COUNTS, SEEN, UPDATES]

interface Asked {
  readonly query?: string
  readonly documentId?: unknown
  readonly extensions?: unknown
  readonly variables?: Readonly<Record<string, unknown>>
  readonly operationName?: string
}

interface Verdict {
  readonly data: unknown
  readonly errors: readonly { readonly message: string; readonly extensions?: { readonly code?: unknown } }[]
}

const verdictOf = ({ data = null, errors = [] }: Partial<Verdict>): Verdict => ({ data, errors })
const refusedWith = ({ data, errors }: Verdict): unknown =>
  data === null ? errors.map(({ extensions }) => extensions?.code) : 'answered'

/** Every way to ask, each answering with the first result. */
const doorsOf = ({ url }: HttpServer, credential: string, socket: RawSocket) => {
  const authorization = `Bearer ${credential}`
  const post = (asked: Asked, accept: string): Promise<Response> =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json', authorization },
      body: JSON.stringify(asked),
    })
  const firstOf = async (response: Response): Promise<Verdict> => {
    if (response.headers.get('content-type')?.includes('json')) return verdictOf((await response.json()) as Verdict)
    for await (const { event, data } of eventsOf(response)) if (event === 'next') return verdictOf(data)
    throw new Error('a stream of events ended without a result')
  }
  let sent = 0
  return {
    POST: async (asked: Asked) => verdictOf((await (await post(asked, 'application/json')).json()) as Verdict),
    'a stream by POST': async (asked: Asked) => firstOf(await post(asked, 'text/event-stream')),
    'a stream by GET': async (asked: Asked) => {
      const fields = Object.entries(asked).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ])
      const address = `${url}/graphql?${new URLSearchParams(Object.fromEntries(fields))}`
      return firstOf(await fetch(address, { headers: { accept: 'text/event-stream', authorization } }))
    },
    'a socket': async (asked: Asked) => {
      sent += 1
      const id = `${sent}`
      socket.send({ type: 'subscribe', id, payload: asked })
      const { type, payload } = await socket.message((message) => message.id === id && message.type !== 'complete')
      if (type === 'next') socket.send({ type: 'complete', id })
      return verdictOf(type === 'error' ? { errors: payload } : payload)
    },
  }
}

let carillon: TestCarillon
let forEveryone: HttpServer
let forRecipients: HttpServer
let forNobody: HttpServer
let token: string
const sockets: RawSocket[] = []
const tally = tallyOf('S6')

const open = async (server: HttpServer, credential: string) => {
  const socket = await openRawSocket(`${server.url.replace('http', 'ws')}/graphql`, { token: credential })
  sockets.push(socket)
  return doorsOf(server, credential, socket)
}
let doors: { readonly operator: ReturnType<typeof doorsOf>; readonly recipient: ReturnType<typeof doorsOf> }

beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
  const serve = async (only: PersistedOnly) =>
    serveHttp(carillon.app, { host: '127.0.0.1', port: 0, persisted: await persisted(only, ...LISTED) })
  ;[forEveryone, forRecipients, forNobody] = await Promise.all([serve('everyone'), serve('recipients'), serve('off')])
  token = await carillon.tokenFor('ada')
  const [operator, recipient] = await Promise.all([open(forEveryone, carillon.operatorKey), open(forRecipients, token)])
  doors = { operator, recipient }
  await trigger(carillon)
  await carillon.drainJobs()
})
afterAll(async () => {
  await Promise.all(sockets.map((socket) => socket.end()))
  // Together: each ends the streams that the others tell by.
  await Promise.all([forEveryone.close(), forRecipients.close(), forNobody.close()])
  await carillon.close()
  tally.report()
})

const ONLY = ['PERSISTED_QUERY_ONLY']
const UNKNOWN = ['PERSISTED_QUERY_NOT_FOUND']
const STRANGE = '{ viewer { scopes } }'
const apq = (sha256Hash: unknown) => ({ persistedQuery: { version: 1, sha256Hash } })

const ATTACKS: readonly (readonly [string, Asked, readonly string[]])[] = [
  ['a query of one’s own', { query: STRANGE }, ONLY],
  ['a mutation of one’s own', { query: 'mutation { markSeen(input: { ids: [] }) { affectedCount } }' }, ONLY],
  ['a subscription of one’s own', { query: 'subscription { inboxUpdates { cursor } }' }, ONLY],
  ['GraphiQL’s introspection', { query: getIntrospectionQuery(), operationName: 'IntrospectionQuery' }, ONLY],
  ['__typename', { query: '{ __typename }' }, ONLY],
  ['what is no GraphQL, and is not read', { query: '{{{' }, ONLY],
  ['more than may be read, and is not', { query: `{ ${'viewer { tenantId } '.repeat(600)} }` }, ONLY],
  ['a blank after a listed text', { query: `${WHO} ` }, ONLY],
  ['a line before a listed text', { query: `\n${WHO}` }, ONLY],
  ['a mark of byte order before a listed text', { query: `\uFEFF${WHO}` }, ONLY],
  ['a comment behind a listed text', { query: `${WHO} # listed` }, ONLY],
  ['a comma in a listed text', { query: WHO.replace('tenantId ', 'tenantId, ') }, ONLY],
  ['a NUL behind a listed text', { query: `${WHO}\0` }, ONLY],
  ['a listed text by another name', { query: WHO.replace('Who', 'Me') }, ONLY],
  ['a listed text without its name', { query: WHO.replace('Who ', '') }, ONLY],
  ['an alias in a listed text', { query: WHO.replace('viewer', 'me: viewer') }, ONLY],
  ['a field more in a listed text', { query: WHO.replace('tenantId', 'tenantId scopes') }, ONLY],
  ['a directive in a listed text', { query: WHO.replace('tenantId', 'tenantId @include(if: true)') }, ONLY],
  ['a listed text with its fragment changed', { query: WHOSE.replace('{ tenantId }', '{ tenantId scopes }') }, ONLY],
  ['a listed text with its fragment in line', { query: WHOSE.replace('...V', '... on Viewer { tenantId }') }, ONLY],
  ['two listed texts in one', { query: `${WHO} ${COUNTS}`, operationName: 'Who' }, ONLY],
  ['another operation beside a listed one', { query: `${WHO} query X ${STRANGE}`, operationName: 'X' }, ONLY],
  ['the hash for a text', { query: hashOf(WHO) }, ONLY],
  ['a name of JavaScript’s for a text', { query: '__proto__' }, ONLY],
  ['a text that is registered by its hash', { query: STRANGE, extensions: apq(hashOf(STRANGE)) }, ONLY],
  ['the same by its documentId', { query: STRANGE, documentId: `sha256:${hashOf(STRANGE)}` }, ONLY],
  ['a text by the hash of a listed one', { query: STRANGE, extensions: apq(hashOf(WHO)) }, ONLY],
  ['the same by its documentId', { query: STRANGE, documentId: hashOf(WHO) }, ONLY],
  ['a mutation by the hash of a query', { query: SEEN.replace('Seen', 'X'), documentId: hashOf(WHO) }, ONLY],
  ['the hash of what was to be registered', { extensions: apq(hashOf(STRANGE)) }, UNKNOWN],
  ['the same as documentId', { documentId: `sha256:${hashOf(STRANGE)}` }, UNKNOWN],
  ['the hash of nothing', { documentId: hashOf('') }, UNKNOWN],
  ['half a hash', { documentId: hashOf(WHO).slice(0, 32) }, UNKNOWN],
  ['a hash in capitals', { documentId: hashOf(WHO).toUpperCase() }, UNKNOWN],
  ['a hash behind two prefixes', { documentId: `sha256:sha256:${hashOf(WHO)}` }, UNKNOWN],
  ['a hash of another kind', { documentId: `md5:${hashOf(WHO)}` }, UNKNOWN],
  ['a name of JavaScript’s for a hash', { documentId: '__proto__' }, UNKNOWN],
  ['another of them', { extensions: apq('constructor') }, UNKNOWN],
  ['a text for a hash', { documentId: WHO }, UNKNOWN],
  ['a text for a hash beside an empty text', { query: '', documentId: STRANGE }, UNKNOWN],
]

describe.each(['operator', 'recipient'] as const)('%s', (role) => {
  test.each(ATTACKS)('%s is refused over every door alike', async (what, asked, codes) => {
    const verdicts: Verdict[] = []
    for (const [door, ask] of Object.entries(doors[role])) {
      const verdict = await ask(asked)
      verdicts.push(verdict)
      tally.tried(`${what}, as ${role}, over ${door}`, JSON.stringify(refusedWith(verdict)) !== JSON.stringify(codes))
    }
    expect(verdicts.map(refusedWith)).toEqual(verdicts.map(() => codes))
    for (const verdict of verdicts) expect(verdict).toEqual(verdicts[0])
  })

  test('a listed operation is answered over every door, by its text and by its hash', async () => {
    const hash = hashOf(WHO)
    const { errors, data } = await doors[role].POST({ query: WHO })
    expect([errors, data]).toEqual([
      [],
      { viewer: { tenantId: 'acme', recipientId: role === 'recipient' ? 'ada' : null } },
    ])
    for (const ask of Object.values(doors[role])) {
      for (const asked of [
        { query: WHO },
        { query: WHO, operationName: 'Who' },
        { documentId: hash },
        { documentId: `sha256:${hash}` },
        { extensions: apq(hash) },
        { extensions: apq(`sha256:${hash}`), query: '' },
        { query: WHO, extensions: apq(hash) },
      ]) {
        expect(await ask(asked)).toEqual({ errors, data })
      }
    }
  })

  test('a listed operation is held to its variables, limits and permissions as ever', async () => {
    const { POST, 'a socket': socket } = doors[role]
    for (const ask of [POST, socket]) {
      expect(refusedWith(await ask({ documentId: hashOf(SEEN) }))).toEqual(['BAD_USER_INPUT'])
      expect(refusedWith(await ask({ query: WHO, operationName: 'Other' }))).toEqual(['BAD_USER_INPUT'])
      const { data, errors } = await ask({ documentId: hashOf(COUNTS), variables: { recipientId: 'bob' } })
      expect([data === null, errors.length]).toEqual(role === 'recipient' ? [true, 1] : [false, 0])
    }
  })

  test('a subscription is followed and a mutation is done by their hashes', async () => {
    const whose = role === 'recipient' ? {} : { recipientId: 'ada' }
    for (const [door, ask] of Object.entries(doors[role])) {
      if (door === 'POST') continue
      expect(await ask({ documentId: hashOf(UPDATES), variables: whose })).toEqual({
        errors: [],
        data: { inboxUpdates: { counts: { total: 1 } } },
      })
    }
    const asked = { documentId: hashOf(SEEN), variables: { input: { ids: [], ...whose } } }
    const { 'a stream by GET': byAddress, ...others } = doors[role]
    for (const ask of Object.values(others)) {
      expect(await ask(asked)).toEqual({ errors: [], data: { markSeen: { affectedCount: 0 } } })
    }
    const verdict = await byAddress(asked)
    tally.tried('a listed mutation by an address', verdict.data !== null)
    expect(verdict.data).toBeNull()
  })
})

test('where recipients are bound, a backend and an operator ask for what they like, and a recipient does not', async () => {
  for (const key of [carillon.operatorKey, carillon.backendKey]) {
    const { 'a stream by GET': _, ...all } = await open(forRecipients, key)
    for (const ask of Object.values(all)) expect((await ask({ query: STRANGE })).errors).toEqual([])
  }
})

test('where nobody is bound, listed hashes are found, others are not, and nothing is learnt', async () => {
  const all = await open(forNobody, token)
  for (const ask of Object.values(all)) {
    expect((await ask({ documentId: hashOf(WHO) })).errors).toEqual([])
    expect((await ask({ query: STRANGE, extensions: apq(hashOf(STRANGE)) })).errors).toEqual([])
    expect(refusedWith(await ask({ extensions: apq(hashOf(STRANGE)) }))).toEqual(UNKNOWN)
  }
})

test('a request that names no document says so, bound or not', async () => {
  for (const ask of [doors.operator.POST, doors.operator['a stream by POST'], doors.operator['a stream by GET']]) {
    for (const asked of [{}, { documentId: '' }, { extensions: apq('') }, { extensions: {} }]) {
      expect(refusedWith(await ask(asked))).toEqual(['BAD_USER_INPUT'])
    }
  }
})

test.each([
  ['application/json', 200],
  ['application/graphql-response+json', 400],
])('who accepts %s is refused with %d', async (accept, status) => {
  for (const body of [{ query: STRANGE }, { documentId: 'x' }]) {
    const response = await fetch(`${forEveryone.url}/graphql`, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json', authorization: `Bearer ${carillon.operatorKey}` },
      body: JSON.stringify(body),
    })
    const answer = (await response.json()) as Verdict
    expect([response.status, answer.errors.length, Object.keys(answer.errors[0]?.extensions ?? {})]).toEqual([
      status,
      1,
      ['code'],
    ])
  }
})

test('the shipped client and inbox work where everyone is bound', async () => {
  const url = `${forEveryone.url}/graphql`
  const backend = createClient({ url, token: carillon.backendKey })
  const client = createClient({ url, token: () => carillon.tokenFor('grace') })
  const store = createInboxStore(client)
  const list = store.list()
  const leave = list.subscribe(() => {})
  const { event } = await backend.trigger({
    notificationKey: 'greeting',
    idempotencyKey: 'for grace',
    payload: { text: 'hello' },
    recipients: [{ id: 'grace' }],
  })
  await carillon.drainJobs()
  const [item] = await until('the inbox shows it', () => {
    const { items } = list.getSnapshot()
    return items.length > 0 ? items : null
  })
  await store.markRead({ ids: [item?.id as string] })
  await until('it is read', () => store.getSnapshot().counts.unread === 0)
  await client.preferences()
  expect((await backend.event({ id: event.id }))?.id).toBe(event.id)
  leave()
  store.close()
  client.close()
  backend.close()
})

test('the client asks for a document of one’s own by its hash, over HTTP and over a socket', async () => {
  const url = `${forEveryone.url}/graphql`
  const named = (text: string, hash: string) => Object.assign(new String(text), { __meta__: { hash } })
  const bound = { url, token: carillon.operatorKey }
  const byHash = createClient({ ...bound, persisted: true })
  // As `replaceDocumentWithHash` leaves it: without its text.
  expect(await byHash.request(named('', `sha256:${hashOf(WHO)}`))).toEqual({
    viewer: { tenantId: 'acme', recipientId: null },
  })
  for await (const data of byHash.subscribe(named('', hashOf(UPDATES)), { recipientId: 'ada' })) {
    expect(data).toEqual({ inboxUpdates: { counts: { total: 1 } } })
    break
  }
  const byText = createClient(bound)
  await expect(byText.request(named(STRANGE, hashOf(WHO)))).rejects.toMatchObject({ code: 'PERSISTED_QUERY_ONLY' })
  await expect(byHash.request(named(WHO, hashOf(STRANGE)))).rejects.toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' })
  byHash.close()
  byText.close()
})

test('whatever the console sends is listed, and valid', async () => {
  const texts = Object.values(ofConsole).filter((one) => one instanceof ofConsole.TypedDocumentString)
  const sent = texts.map(String).filter((text) => !/^\s*fragment\b/.test(text))
  expect(sent.length).toBeGreaterThan(10)
  const { texts: listed } = await persisted('everyone')
  expect(sent.filter((text) => !listed.has(text))).toEqual([])
  // What a subscription is answered comes when something happens.
  for (const query of sent.filter((text) => !/^\s*subscription\b/.test(text))) {
    const { errors } = await doors.operator.POST({ query })
    // Without variables some are refused for these, and nothing else.
    for (const { message, extensions } of errors) {
      expect(extensions?.code).toBe('BAD_USER_INPUT')
      expect(message).toMatch(/^Variable "/)
    }
  }
})
