import { type Client, createClient } from 'graphql-ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'
import { createApiKey } from '../../server/operations/credentials.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { greeting } from '../support/notifiers.ts'
import { trigger, triggerInput } from '../support/trigger.ts'

let carillon: TestCarillon
let credentials: Record<'backend' | 'operator' | 'recipient', string>
let clients: Record<string, Client>
let taken: string

beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
  const operator = await createApiKey(carillon.app.db, { tenantId: 'acme', scopes: ['OPERATE'], label: 'support' })
  credentials = { backend: carillon.backendKey, operator, recipient: await carillon.tokenFor('ada') }
  clients = Object.fromEntries(
    Object.entries(credentials).map(([role, credential]) => [
      role,
      createClient({
        url: carillon.wsUrl,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: { authorization: `Bearer ${credential}` },
      }),
    ]),
  )
  taken = (await trigger(carillon, { idempotencyKey: 'taken' })).event.idempotencyKey
})
afterAll(async () => {
  for (const client of Object.values(clients)) await client.dispose()
  await carillon.close()
})

interface Verdict {
  readonly data: unknown
  readonly errors: readonly object[]
}

/** What can be compared: a credential that is made twice is made of another instant. */
const comparable = ({ data, errors }: Partial<Verdict>): Verdict => ({
  data: data ?? null,
  errors: (errors ?? []).map((error) => JSON.parse(JSON.stringify(error))),
})

const overSocket = (role: string, query: string, variables: Record<string, unknown> | undefined): Promise<Verdict> =>
  new Promise((resolve, reject) => {
    let answer: Partial<Verdict> = {}
    clients[role]?.subscribe(
      { query, variables },
      {
        next: (value) => {
          answer = value as Partial<Verdict>
        },
        // A list of errors is the answer to the operation; anything else is the end of the socket.
        error: (errors) => (Array.isArray(errors) ? resolve(comparable({ errors })) : reject(errors)),
        complete: () => resolve(comparable(answer)),
      },
    )
  })

const NODE =
  'query ($id: ID!) { node(id: $id) { __typename id ... on Event { payload notifications { edges { node { content { title } event { id } } } } } } }'

const OPERATIONS: [string, string, Record<string, unknown>?][] = [
  ['a plain question', '{ viewer { tenantId scopes recipientId } }'],
  [
    'an alias, a fragment and a directive',
    'query ($yes: Boolean = true) { who: viewer { ...V } } fragment V on Viewer { tenantId scopes @include(if: $yes) recipientId @skip(if: $yes) }',
  ],
  [
    'names that mean something in JavaScript',
    '{ __proto__: viewer { constructor: tenantId __proto__: scopes toString: recipientId } hasOwnProperty: viewer { tenantId } }',
  ],
  ['__typename', '{ __typename viewer { __typename } }'],
  ['introspection', '{ __schema { queryType { name } } __type(name: "Event") { fields { name } } }'],
  [
    'an inbox',
    '{ inbox(recipientId: "ada") { counts { total } notifications { edges { node { content { title } deliveries { channel status } event { idempotencyKey } } } pageInfo { hasNextPage } } } }',
  ],
  [
    'events',
    '{ events { edges { node { status payload deliveries { edges { node { channel explanation { summary timeline { event } } } } } } } } }',
  ],
  ['a node that does not exist', NODE, { id: 'nonsense' }],
  ['a syntax error', '{ viewer { '],
  ['a field that does not exist', '{ nothing }'],
  [
    'a variable of the wrong type',
    'query ($first: Int) { events(first: $first) { edges { cursor } } }',
    { first: 'ten' },
  ],
  ['a variable that is missing', NODE, {}],
  ['no variables at all where one is needed', NODE],
  ['a page that is too large', '{ events(first: 101) { edges { cursor } } }'],
  ['a NUL', '{ recipient(recipientId: "a\\u0000") { id } }'],
  ['what a recipient may not do', '{ deliveries { edges { cursor } } }'],
  ['a marking without a selection', 'mutation { markRead(input: { recipientId: "ada" }) { affectedCount } }'],
  [
    'a marking of nothing',
    'mutation { markRead(input: { recipientId: "ada", ids: [] }) { affectedCount counts { total } } }',
  ],
  [
    'a payload that does not fit',
    'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated } }',
    { input: triggerInput({ payload: {} }) },
  ],
  [
    'a notifier that does not exist',
    'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated } }',
    { input: triggerInput({ notificationKey: 'x' }) },
  ],
  [
    'a repeated trigger',
    'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated event { status } } }',
    { input: triggerInput({ idempotencyKey: 'taken' }) },
  ],
  [
    'a conflict',
    'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated } }',
    { input: triggerInput({ idempotencyKey: 'taken', payload: { text: 'other' } }) },
  ],
  [
    'several fields, of which one fails',
    'mutation { a: markSeen(input: { recipientId: "ada", ids: [] }) { affectedCount } b: markSeen(input: { recipientId: "ada" }) { affectedCount } }',
  ],
  ['two operations and no name', 'query a { viewer { tenantId } } query b { viewer { tenantId } }'],
  ['too many tokens', `{ ${'viewer { tenantId } '.repeat(600)} }`],
]

test.each(OPERATIONS)(
  '%s is answered alike over HTTP and over a socket, the first time and the fifth',
  async (_, query, variables) => {
    expect(taken).toBe('taken')
    for (const role of ['backend', 'operator', 'recipient'] as const) {
      const first = comparable(await carillon.ask(credentials[role], query, variables))
      expect(first.data !== null || first.errors.length > 0).toBe(true)
      for (let time = 0; time < 4; time++) {
        expect(await overSocket(role, query, variables)).toEqual(first)
        expect(comparable(await carillon.ask(credentials[role], query, variables))).toEqual(first)
      }
    }
  },
)

test.each([
  ['nothing', undefined],
  ['an empty object', {}],
  ['a credential that is none', { authorization: 'Bearer nonsense' }],
  ['a token that is none', { token: 'nonsense' }],
  ['no text', { authorization: 7, token: null }],
])('a socket that is opened with %s is closed with 4403', async (_, connectionParams) => {
  const closed = await new Promise<{ code?: number }>((resolve, reject) => {
    const client = createClient({
      url: carillon.wsUrl,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      ...(connectionParams && { connectionParams }),
    })
    client.subscribe(
      { query: '{ viewer { tenantId } }' },
      { next: reject, error: (error) => resolve(error as object), complete: reject },
    )
  })
  expect(closed.code).toBe(4403)
})
