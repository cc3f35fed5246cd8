import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema } from '../../schema/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { greeting } from '../support/notifiers.ts'
import { TRIGGER, triggerInput } from '../support/trigger.ts'
import { type Ingredients, randomOperation } from './random-operation.ts'
import { tallyOf } from './tally.ts'

/** Stands in everything that the other tenant has. */
const CANARY = 'canary-of-another-tenant'
const AT_ONCE = 10
const RUNS = Number(process.env['CARILLON_FUZZ_RUNS'] ?? 200)

let carillon: TestCarillon
let ingredients: Ingredients
let credentials: readonly string[]
let failures: string[]

const idsOf = async (key: string): Promise<string[]> => {
  const answer = await carillon.ok(
    key,
    '{ events { edges { node { id notifications { edges { node { id } } } deliveries { edges { node { id } } } } } } }',
  )
  return JSON.stringify(answer).match(/(?<="id":")[^"]+/g) ?? []
}

beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
  const other = await carillon.addTenant('other')
  for (const [key, text, recipient] of [
    [carillon.backendKey, 'hello', 'ada'],
    [carillon.backendKey, 'hello again', 'bob'],
    [other.backendKey, CANARY, 'ada'],
    [other.backendKey, CANARY, CANARY],
  ] as const) {
    const input = triggerInput({ payload: { text }, recipients: [{ id: recipient }], actorId: text })
    await carillon.ok(key, TRIGGER, { input })
  }
  await carillon.drainJobs()
  ingredients = {
    schema,
    ids: [...(await idsOf(carillon.operatorKey)), ...(await idsOf(other.operatorKey))],
    names: ['ada', 'bob', 'greeting', 'in_app', 'email', 'welcome', 'UTC', 'Europe/Berlin', 'P1D', '15m'],
  }
  credentials = [carillon.operatorKey, carillon.operatorKey, carillon.backendKey, await carillon.tokenFor('ada')]
  failures = []
  carillon.app.telemetry.on('request.failed', ({ error }) => void failures.push(error.message))
})
afterAll(() => carillon.close())

test('S36: no operation that the schema allows makes the server fail, or shows what is another tenant’s', async () => {
  const tally = tallyOf('S36')
  let answered = 0
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (draw) => {
      const requests = Array.from({ length: AT_ONCE }, () => ({
        credential: credentials[draw(fc.nat, { max: credentials.length - 1 })] as string,
        ...randomOperation(draw, ingredients),
      }))
      const answers = await Promise.all(
        requests.map(async ({ credential, query, variables }) => {
          const response = await fetch(carillon.graphqlUrl, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` },
            body: JSON.stringify({ query, variables }),
          })
          return { status: response.status, text: await response.text(), query, variables }
        }),
      )
      for (const { status, text, query, variables } of answers) {
        // What was asked with may be said again; what was asked for may not be another's.
        const isLeak = text.includes(CANARY)
        const isFailure =
          status >= 500 || /"code":"(INTERNAL|UNAVAILABLE)"/.test(text) || !/^\{"(data|errors)":/.test(text)
        if (!text.includes('"errors":')) answered += 1
        tally.tried(
          `${query} ${JSON.stringify(variables)} was answered ${status} ${text.slice(0, 500)}`,
          isLeak || isFailure,
        )
        expect({ query, variables, text: isLeak || isFailure ? text.slice(0, 500) : '' }).toEqual({
          query,
          variables,
          text: '',
        })
      }
      expect(failures).toEqual([])
    }),
    {
      numRuns: RUNS,
      // The same ones each time, so that a change is judged by what it changes; others by the seed.
      seed: Number(process.env['CARILLON_SEED'] ?? 1),
      endOnFailure: true,
    },
  )
  // Operations that are all refused try nothing.
  process.stdout.write(`S36: ${answered} answered without an error\n`)
  expect(answered).toBeGreaterThan(RUNS / 2)
  tally.report()
}, 300_000)
