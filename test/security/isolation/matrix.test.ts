import { type GraphQLNamedType, getNamedType, isObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../../schema/index.ts'
import { NODE_TYPES } from '../../../server/core/node-id.ts'
import type { GraphQLAnswer } from '../../support/carillon.ts'
import { argumentsFor, operationFor, rootFields } from '../../support/root-fields.ts'
import { everyTestCounts } from '../tally.ts'
import { everythingOf } from './everything.ts'
import { askedIds, buildWorld, everyRowOf, MARK, neverIssued, ROLES, type World } from './world.ts'

everyTestCounts('S10')

/*
 * Every root field of the schema, crossed between two tenants and between two recipients. What is asked is made from the
 * schema: a field that is new is crossed as well.
 */

let world: World
beforeAll(async () => {
  world = await buildWorld()
})
afterAll(() => world.carillon.close())

const ask = (credential: string, query: string, variables: Record<string, unknown>): Promise<GraphQLAnswer> =>
  world.carillon.ask(credential, query, variables)

const asked = rootFields().filter(({ place }) => !place.startsWith('Subscription'))

const textOf = ({ data, errors }: GraphQLAnswer): string => JSON.stringify({ data, errors })

/** The answer without what differs from one asking to the next: the ids asked with, and what was made for this one. */
const verdictOf = (answer: GraphQLAnswer, ids: World['ids']): unknown => {
  const plain = Object.values(ids).reduce((text, id) => text.replaceAll(id, 'ID'), textOf(answer))
  return JSON.parse(plain.replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"INSTANT"'), (key, value) =>
    ['token', 'idempotencyKey', 'cursor', 'id'].includes(key) ? key : value,
  )
}

describe.each(asked.map(({ place, type, field }) => ({ place, type, field })))('$place', ({ type, field }) => {
  const selection = everythingOf(getNamedType(field.type))
  const operation = (given: object) => operationFor(String(type?.name), field, { given, selection })

  test.each(ROLES)("answers another tenant's %s about our rows as about rows that never were", async (role) => {
    const never = neverIssued()
    const answers = []
    for (const ids of [world.ids, never]) {
      const given = argumentsFor(field.name, 'ada', askedIds(ids))
      answers.push({ ids, answer: await ask(world.theirs.keys[role], operation(given), given) })
    }
    const [foreign, nothing] = answers.map(({ answer, ids }) => verdictOf(answer, ids))
    expect(foreign).toEqual(nothing)
    for (const { answer } of answers) expect(textOf(answer)).not.toContain(MARK.ours)
  })

  test("tells a recipient nothing of another's", async () => {
    const before = await everyRowOf(world.carillon, 'acme')
    for (const ids of [world.ids, neverIssued()]) {
      const given = argumentsFor(field.name, 'ada', askedIds(ids))
      const answer = await ask(world.ours.bobToken, operation(given), given)
      expect(textOf(answer)).not.toContain(world.ours.marks.ada)
    }
    expect(await everyRowOf(world.carillon, 'acme')).toBe(before)
  })
})

test('what is asked is no empty question: our own operator reads our mark in most answers', async () => {
  const told: string[] = []
  for (const { place, type, field } of asked.filter((one) => one.place.startsWith('Query'))) {
    const given = argumentsFor(field.name, 'ada', askedIds(world.ids))
    const selection = everythingOf(getNamedType(field.type))
    const answer = await ask(
      world.ours.keys.operator,
      operationFor(String(type?.name), field, { given, selection }),
      given,
    )
    expect([place, answer.errors]).toEqual([place, []])
    if (textOf(answer).includes(MARK.ours)) told.push(field.name)
  }
  expect(told).toEqual(
    expect.arrayContaining(['inbox', 'explainDelivery', 'event', 'events', 'delivery', 'deliveries', 'recipient']),
  )
  expect(told.length).toBeGreaterThanOrEqual(12)
})

const kinds = NODE_TYPES.filter((name) => {
  const type = schema.getType(name)
  return isObjectType(type) && type.getInterfaces().some((one) => one.name === 'Node')
})

describe.each(kinds)('the id of a %s', (kind) => {
  const everything = everythingOf(schema.getType(kind) as GraphQLNamedType)
  const query = `query ($id: ID!) { node(id: $id) { __typename ... on ${kind} ${everything} } }`

  test('is nothing to another tenant, whoever asks', async () => {
    if (kind === 'Recipient') return
    for (const role of ROLES) {
      const { data, errors } = await ask(world.theirs.keys[role], query, { id: world.ids[kind] })
      expect([errors, data]).toEqual([[], { node: null }])
    }
  })

  test('is nothing to another recipient', async () => {
    const { data, errors } = await ask(world.ours.bobToken, query, { id: world.ids[kind] })
    expect([errors, data]).toEqual([[], { node: null }])
  })
})
