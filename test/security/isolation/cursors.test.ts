import { getNamedType, isObjectType } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { argumentsFor, operationFor, rootFields } from '../../support/root-fields.ts'
import { everyTestCounts } from '../tally.ts'
import { everythingOf } from './everything.ts'
import { askedIds, buildWorld, MARK, type World } from './world.ts'

everyTestCounts('S10')

let world: World
beforeAll(async () => {
  world = await buildWorld()
})
afterAll(() => world.carillon.close())

const connections = rootFields().filter(({ field }) => {
  const type = getNamedType(field.type)
  return isObjectType(type) && 'pageInfo' in type.getFields()
})

test.each(connections)('a cursor of ours leads another tenant to nothing of ours in $place', async ({ field }) => {
  const { filter: _, ...given } = argumentsFor(field.name, 'ada', askedIds(world.ids))
  const asked = (more: object) => ({ ...given, first: 5, ...more })
  const cursors = operationFor('Query', field, {
    given: asked({}),
    selection: '{ pageInfo { startCursor endCursor } }',
  })
  const { pageInfo } = (await world.carillon.ok(world.ours.keys.operator, cursors, asked({})))[field.name]
  expect(pageInfo.endCursor).not.toBeNull()
  const selection = everythingOf(getNamedType(field.type))
  for (const cursor of new Set([pageInfo.startCursor, pageInfo.endCursor])) {
    const { first, ...others } = asked({ after: cursor })
    for (const variables of [
      { ...others, first },
      { ...given, last: first, before: cursor },
    ]) {
      const query = operationFor('Query', field, { given: variables, selection })
      const { data, errors } = await world.carillon.ask(world.theirs.keys.operator, query, variables)
      expect(JSON.stringify({ data, errors })).not.toContain(MARK.ours)
      for (const { extensions } of errors) expect(extensions['code']).toBe('BAD_USER_INPUT')
    }
  }
})

test("an inbox cursor of ours is refused in another tenant's inbox, and in another recipient's", async () => {
  const query = '{ inbox { cursor notifications(first: 1) { pageInfo { endCursor } } } }'
  const { inbox } = await world.carillon.ok(world.ours.keys.recipient, query)
  const items = `query ($after: String) { inbox { notifications(after: $after) { edges { node { content { title body } } } } } }`
  const marked = 'mutation ($upTo: InboxCursor!) { markRead(input: { filter: {}, upTo: $upTo }) { affectedCount } }'
  for (const token of [world.theirs.keys.recipient, world.ours.bobToken]) {
    const page = await world.carillon.ask(token, items, { after: inbox.notifications.pageInfo.endCursor })
    expect(JSON.stringify(page)).not.toContain(world.ours.marks.ada)
    const { errors } = await world.carillon.ask(token, marked, { upTo: inbox.cursor })
    expect(errors.map(({ extensions }) => extensions['code'])).toEqual(['BAD_USER_INPUT'])
  }
})
