import { afterAll, beforeAll, expect, test } from 'vitest'
import { serve } from '../../server/cli/serve.ts'
import { readEnvironment } from '../../server/environment.ts'
import { SetupError } from '../../server/errors.ts'
import { everyTestCounts } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { codesOf, type Doors, openDoors } from '../support/doors.ts'
import { greeting } from '../support/notifiers.ts'
import { triggerInput } from '../support/trigger.ts'

everyTestCounts('S34')

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

test.each([
  ['the whole schema', '{ __schema { types { name fields { name } } } }'],
  ['one type', '{ __type(name: "Event") { fields { name } } }'],
  ['a type by another name', '{ hidden: __type(name: "Event") { name } }'],
  ['the schema beside something else', '{ viewer { tenantId } __schema { queryType { name } } }'],
  ['the schema in a fragment', '{ ...F } fragment F on Query { __schema { queryType { name } } }'],
  ['the schema in a mutation', 'mutation { __schema { queryType { name } } }'],
])('%s is not told, by no door, the first time and the fifth', async (_, query) => {
  for (const { ask } of doors.all) {
    for (let time = 0; time < 5; time++) {
      const verdict = await ask({ query })
      expect([verdict.data, codesOf(verdict)]).toEqual([null, ['BAD_USER_INPUT']])
    }
  }
})

test('the name of a type that an answer is of is told all the same: clients need it', async () => {
  for (const { ask } of doors.all) {
    expect((await ask({ query: '{ __typename viewer { __typename } }' })).data).toEqual({
      __typename: 'Query',
      viewer: { __typename: 'Viewer' },
    })
  }
})

const INPUT = 'query ($filter: DeliveryFilter) { deliveries(filter: $filter) { edges { cursor } } }'
const TRIGGER = 'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated } }'

test.each<[string, string, Record<string, unknown>?]>([
  ['a field', '{ viewe { tenantId } }'],
  ['a field of a field', '{ viewer { tenantld } }'],
  ['an argument', '{ inbox(recipient: "ada") { cursor } }'],
  ['a type', '{ node(id: "x") { ... on Evnt { id } } }'],
  ['a member of an enum', '{ deliveries(filter: { status: [PENDIN] }) { edges { cursor } } }'],
  ['a field of an input', '{ deliveries(filter: { chanel: "email" }) { edges { cursor } } }'],
  ['a directive’s argument', '{ __typename @include(iff: true) }'],
  ['a member of an enum, by a variable', INPUT, { filter: { status: ['PENDIN'] } }],
  ['a field of an input, by a variable', INPUT, { filter: { chanel: 'email' } }],
  ['a field of a recipient, by a variable', TRIGGER, { input: triggerInput({ recipients: [{ id: 'a', emai: 'x' }] }) }],
  ['a type, by a variable’s', 'query ($filter: DeliveryFiler) { deliveries(filter: $filter) { edges { cursor } } }'],
  ['a selection that is missing', '{ viewer }'],
])('whoever misspells %s is not told of one that there is', async (_, query, variables) => {
  for (const { ask } of doors.all) {
    for (let time = 0; time < 5; time++) {
      const { errors } = await ask({ query, variables })
      expect(errors.length).toBeGreaterThan(0)
      expect(JSON.stringify(errors)).not.toContain('Did you mean')
      for (const { message } of errors) expect(message).toMatch(/\S$/)
    }
  }
})

test('in development there is a hint', async () => {
  const open = await startCarillon({ notifiers: [] })
  const { errors } = await open.ask(open.operatorKey, '{ viewe { tenantId } }')
  await open.close()
  expect(errors[0]?.message).toContain('Did you mean "viewer"')
})

test('what a caller wrote itself is left in an error as it is', async () => {
  const key = 'Did you mean that? No'
  const { errors } = await carillon.ask(carillon.operatorKey, TRIGGER, {
    input: triggerInput({ notificationKey: key }),
  })
  expect(errors[0]?.message).toContain(key)
})

test('no answer says what runs here, or may be read as something that it is not', async () => {
  const { origin } = new URL(carillon.graphqlUrl)
  const authorization = `Bearer ${carillon.operatorKey}`
  const answers = [
    await fetch(carillon.graphqlUrl, { method: 'POST', headers: { authorization }, body: '{}' }),
    await fetch(carillon.graphqlUrl, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{"query":"{ viewer { tenantId } }"}',
    }),
    await fetch(carillon.graphqlUrl, { method: 'POST' }),
    await fetch(carillon.graphqlUrl, { method: 'OPTIONS' }),
    await fetch(`${origin}/health/live`),
    await fetch(`${origin}/nothing`),
    await fetch(`${origin}/graphiql`),
    await fetch(`${origin}/unsubscribe/x`),
    await fetch(`${origin}/webhooks/acme/x`, { method: 'POST', body: '<script>' }),
  ]
  for (const answer of answers) {
    expect([answer.url, answer.headers.get('x-content-type-options')]).toEqual([answer.url, 'nosniff'])
    expect([answer.headers.get('x-powered-by'), answer.headers.get('server')]).toEqual([null, null])
    expect(await answer.text()).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/)
  }
  expect(answers[1]?.headers.get('cache-control')).toBe('no-store')
  expect(answers[6]?.status).toBe(404)
})

test('a server is told by its environment', async () => {
  const environment = readEnvironment({
    PORT: '0',
    CARILLON_REQUESTS_PER_SECOND_PER_KEY: '1',
    CARILLON_CORS_ORIGINS: 'https://a.example.test, http://localhost:3000',
  })
  const config = { notifiers: [] }
  const secretKey = 'a-secret-key-for-tests-of-32-characters'
  const options = { databaseUrl: carillon.databaseUrl, config, secretKey, introspection: false }
  const served = await serve(environment, options)
  try {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        fetch(`${served.http.url}/graphql`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${carillon.operatorKey}`,
            'content-type': 'application/json',
            origin: 'https://a.example.test',
          },
          body: '{"query":"{ __schema { queryType { name } } }"}',
        }),
      ),
    )
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    expect(texts.join()).toContain('BAD_USER_INPUT')
    expect(texts.join()).not.toContain('queryType":{')
    expect(answers.map(({ status }) => status)).toContain(429)
    expect(answers[0]?.headers.get('access-control-allow-origin')).toBe('https://a.example.test')
  } finally {
    await served.close()
  }
})

test('an environment that says nothing has limits that nobody meets by chance, and no list of origins', () => {
  expect(readEnvironment({})).toMatchObject({
    requestsPerKey: 5_000,
    requestsPerRecipient: 100,
    refusedPerAddress: 600,
    proxies: 0,
    corsOrigins: null,
    graphiql: null,
  })
})

test.each([
  ['CARILLON_REQUESTS_PER_SECOND_PER_KEY', '-1'],
  ['CARILLON_REQUESTS_PER_SECOND_PER_RECIPIENT', 'many'],
  ['CARILLON_REFUSED_PER_MINUTE_PER_ADDRESS', '1.5'],
  ['CARILLON_PROXIES', '-1'],
  ['CARILLON_PROXIES', '11'],
  ['CARILLON_CORS_ORIGINS', '*'],
  ['CARILLON_CORS_ORIGINS', 'https://a.example.test/'],
  ['CARILLON_CORS_ORIGINS', 'a.example.test'],
  ['CARILLON_CORS_ORIGINS', 'https://a.example.test,'],
  ['CARILLON_GRAPHIQL', 'yes'],
])('%s=%s is refused by name', (name, given) => {
  expect(() => readEnvironment({ [name]: given })).toThrow(SetupError)
  expect(() => readEnvironment({ [name]: given })).toThrow(`${name} must`)
})
