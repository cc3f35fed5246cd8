import { afterAll, beforeAll, test } from 'vitest'
import { schema } from '../../schema/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { codesOf, type Doors, openDoors } from '../support/doors.ts'
import { greeting } from '../support/notifiers.ts'
import { trigger } from '../support/trigger.ts'
import { tallyOf } from './tally.ts'

let carillon: TestCarillon
let doors: Doors
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] }, { door: { introspection: false } })
  doors = await openDoors(carillon, carillon.operatorKey)
})
afterAll(async () => {
  await doors.close()
  await carillon.close()
})

const repeat = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ')

const send = (init: RequestInit, search = ''): Promise<Response> =>
  fetch(`${carillon.graphqlUrl}${search}`, {
    method: 'POST',
    ...init,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${carillon.operatorKey}`,
      ...(init.headers as Record<string, string>),
    },
  })

test('S2: what scanners look for in a GraphQL server is not there in production', async () => {
  const tally = tallyOf('S2')
  const refusedByAll = async (what: string, query: string) => {
    for (const { name, ask } of doors.all) {
      const { data, errors } = await ask({ query })
      tally.tried(`${what} through ${name}`, data !== null || errors.length === 0)
    }
  }
  const isAnswered = async (response: Response): Promise<boolean> => /"data":\{/.test(await response.text())
  await refusedByAll('101 aliases', `{ ${repeat(101, (index) => `alias${index}: __typename`)} }`)
  await refusedByAll('10 directives', `{ __typename ${'@aa'.repeat(10)} }`)
  await refusedByAll('the same directive 10 times', `{ __typename ${'@include(if: true) '.repeat(10)} }`)
  await refusedByAll('500 times a field', `{ ${repeat(500, () => '__typename')} }`)
  await refusedByAll('introspection', '{ __schema { types { name } } }')
  await refusedByAll(
    'introspection in a circle',
    '{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }',
  )
  const batch = JSON.stringify(Array.from({ length: 10 }, () => ({ query: '{ __typename }' })))
  tally.tried('a batch', await isAnswered(await send({ body: batch })))
  const query = encodeURIComponent('{ __typename }')
  const mutation = encodeURIComponent('mutation { __typename }')
  tally.tried('a query with GET', await isAnswered(await send({ method: 'GET' }, `?query=${query}`)))
  tally.tried('a mutation with GET', await isAnswered(await send({ method: 'GET' }, `?query=${mutation}`)))
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  tally.tried('a form', await isAnswered(await send({ headers: form, body: `query=${query}` })))
  const address = new URL(carillon.graphqlUrl).origin
  for (const path of ['/graphql', '/graphiql', '/playground', '/console', '/altair', '/voyager', '/']) {
    const page = await fetch(`${address}${path}`, { headers: { accept: 'text/html' } })
    tally.tried(`a page at ${path}`, page.status === 200)
  }
  for (const { name, ask } of doors.all) {
    const { errors } = await ask({ query: '{ viewe { tenantId } }' })
    tally.tried(`a suggestion through ${name}`, JSON.stringify(errors).includes('Did you mean'))
  }
  const traced = await (await send({ body: '{"query":"{ __typename }"}', headers: { 'x-apollo-tracing': '1' } })).text()
  tally.tried('tracing', traced !== '{"data":{"__typename":"Query"}}')
  for (const body of [
    '{"query":"{"}',
    '{"query":"query a { __typename } query b { __typename }"}',
    '{"query":7}',
    '[',
  ]) {
    const answer = await (await send({ body })).text()
    tally.tried(`an error that nobody handled, for ${body}`, !/"code":"BAD_USER_INPUT"/.test(answer))
  }
  tally.report()
})

/** What somebody would try who has never seen the schema. */
const WORDS =
  'user users me self account accounts login signup password token tokens key keys secret admin role roles permission permissions profile email emails name phone address addresses message messages notification notifications notify event events delivery deliveries inbox inboxes recipient recipients topic topics tenant tenants digest digests workflow workflows signal signals webhook webhooks trigger triggers batch search list get all count stats metrics health version config settings preference preferences policy policies create update delete remove set mark read unread archive snooze export erase explain simulate preview render notifier notifiers reason reasons outcome outcomes viewer node nodes query mutation data id ids status state kind type channel channels payload content first last filter input scope scopes cursor edges'.split(
    ' ',
  )

/** Every name of a field, an argument or a member of an enum: what it takes to ask for something. */
const namesOfSchema = (): ReadonlySet<string> => {
  const names = new Set<string>()
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue
    if ('getFields' in type) {
      for (const field of Object.values(type.getFields())) {
        names.add(field.name)
        if ('args' in field) for (const { name } of field.args) names.add(name)
      }
    }
    if ('getValues' in type) for (const { name } of type.getValues()) names.add(name)
  }
  return names
}

/** As many as there are errors in one answer. */
const AT_ONCE = 15

test('S35: from the errors nobody learns a name that is not known already, but for what a field cannot do without', async () => {
  const tally = tallyOf('S35')
  const names = namesOfSchema()
  const misspelt = WORDS.flatMap((word) => [word.slice(0, -1), `${word}x`, `${word.slice(0, 2)}x${word.slice(2)}`])
  const words = [...WORDS, ...misspelt.filter((word) => word !== '')]
  for (let at = 0; at < words.length; at += AT_ONCE) {
    const some = words.slice(at, at + AT_ONCE)
    const questions = [
      `{ ${some.join(' ')} }`,
      `mutation { ${some.join(' ')} }`,
      `{ ${some.map((word) => `${word} { nothing }`).join(' ')} }`,
      `{ viewer { ${some.join(' ')} } }`,
      `{ events(${some.map((word) => `${word}: 1`).join(' ')}) { edges { node { nothing } } } }`,
      `{ deliveries(filter: { ${some.map((word) => `${word}: 1`).join(' ')} }) { edges { cursor } } }`,
      `{ deliveries(filter: { status: [${some.map((word) => word.toUpperCase()).join(' ')}] }) { edges { cursor } } }`,
    ]
    for (const query of questions) {
      const { errors } = await carillon.ask(carillon.operatorKey, query)
      const known = new Set(query.match(/\w+/g))
      const told = errors.flatMap(({ message }) =>
        /is required|was not provided/.test(message) ? [] : (message.match(/\w+/g) ?? []),
      )
      // Words that a sentence is made of anyway.
      const spoken = new Set(
        'field type on of in must not have a no by and is it be selection value enum input exist does event first status id'.split(
          ' ',
        ),
      )
      for (const word of some) {
        const learned = told.filter((one) => names.has(one) && !known.has(one) && !spoken.has(one))
        tally.tried(`${word}: ${learned.join()}`, learned.length > 0)
      }
    }
  }
  tally.report()
})

test('S13: two who ask the same are answered each for itself, and no cache is told to keep it', async () => {
  const tally = tallyOf('S13')
  await trigger(carillon, { recipients: [{ id: 'ada' }] })
  await carillon.drainJobs()
  const other = await carillon.addTenant('other')
  const query = '{ viewer { tenantId recipientId } inbox { counts { total } } }'
  const [ada, bob] = [await carillon.tokenFor('ada'), await carillon.tokenFor('bob')]
  for (let time = 0; time < 10; time++) {
    const answers = await Promise.all([ada, bob].map((token) => carillon.ok(token, query)))
    tally.tried(
      'an inbox of another',
      JSON.stringify(answers) !==
        JSON.stringify([
          { viewer: { tenantId: 'acme', recipientId: 'ada' }, inbox: { counts: { total: 1 } } },
          { viewer: { tenantId: 'acme', recipientId: 'bob' }, inbox: { counts: { total: 0 } } },
        ]),
    )
    const events = '{ events { edges { node { id } } } }'
    const [ours, theirs] = [
      await carillon.ok(carillon.operatorKey, events),
      await carillon.ok(other.operatorKey, events),
    ]
    tally.tried('events of another tenant', ours.events.edges.length !== 1 || theirs.events.edges.length !== 0)
  }
  const { headers } = await send({ body: JSON.stringify({ query: '{ __typename }' }) })
  tally.tried('an answer that may be kept', headers.get('cache-control') !== 'no-store')
  tally.report()
})

test('S5: guessing many at once is one request at most, and a few at a time', async () => {
  const tally = tallyOf('S5')
  const guess = (index: number) => `g${index}: eventByIdempotencyKey(idempotencyKey: "${index}") { id }`
  for (const { name, ask } of doors.all) {
    const verdict = await ask({ query: `{ ${repeat(31, guess)} }` })
    tally.tried(`31 guesses by aliases through ${name}`, codesOf(verdict).join() !== 'QUERY_TOO_COMPLEX')
  }
  for (const count of [1, 2, 10, 1_000]) {
    const body = JSON.stringify(Array.from({ length: count }, () => ({ query: `{ ${guess(1)} }` })))
    const answer = await (await send({ body })).text()
    tally.tried(`${count} guesses as a list`, !answer.includes('BAD_USER_INPUT') || answer.includes('"data":{'))
  }
  tally.report()
})

test('S32: nobody but an operator sees what operators see', async () => {
  const tally = tallyOf('S32')
  const recipient = await carillon.tokenFor('ada')
  const id = 'x'
  const operations = [
    '{ events { edges { cursor } } }',
    '{ deliveries { edges { cursor } } }',
    `{ delivery(id: "${id}") { id } }`,
    `{ explainDelivery(deliveryId: "${id}") { summary } }`,
    '{ explainRecipient(recipientId: "ada", notificationKey: "greeting") { summary } }',
    '{ outcomes { count } }',
    '{ webhookIngresses { edges { cursor } } }',
    '{ digestBuckets { edges { cursor } } }',
    '{ workflowRuns { edges { cursor } } }',
    `mutation { retryDelivery(input: { deliveryId: "${id}", reason: "x" }) { delivery { id } } }`,
    `mutation { cancelDelivery(input: { deliveryId: "${id}", reason: "x" }) { delivery { id } } }`,
    `mutation { resumeDelivery(input: { deliveryId: "${id}", reason: "x" }) { delivery { id } } }`,
  ]
  for (const query of operations) {
    for (const credential of [recipient, carillon.backendKey]) {
      const { errors } = await carillon.ask(credential, query)
      const codes = errors.map(({ extensions }) => extensions['code'])
      tally.tried(query, codes.length === 0 || codes.some((code) => code !== 'FORBIDDEN'))
    }
    tally.tried(`${query} of nobody`, (await carillon.ask(null, query)).status !== 401)
  }
  const followed = (credential: string | null): Promise<Response> =>
    fetch(carillon.graphqlUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...(credential && { authorization: `Bearer ${credential}` }),
      },
      body: JSON.stringify({ query: 'subscription { deliveryUpdates { id } }' }),
    })
  for (const credential of [recipient, carillon.backendKey]) {
    const told = await (await followed(credential)).text()
    tally.tried('deliveryUpdates', !told.includes('"code":"FORBIDDEN"') || told.includes('"data"'))
  }
  tally.tried('deliveryUpdates of nobody', (await followed(null)).status !== 401)
  tally.report()
})
