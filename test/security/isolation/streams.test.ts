import { getNamedType } from 'graphql'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { eventsOf } from '../../support/event-stream.ts'
import { argumentsFor, operationFor, rootFields } from '../../support/root-fields.ts'
import { TRIGGER, triggerInput } from '../../support/trigger.ts'
import { everyTestCounts } from '../tally.ts'
import { everythingOf } from './everything.ts'
import { askedIds, buildWorld, type House, MARK, type World } from './world.ts'

everyTestCounts('S12')

let world: World
beforeAll(async () => {
  world = await buildWorld()
})
afterAll(() => world.carillon.close())

const send = (house: House, id: string, text: string) =>
  world.carillon.ok(house.keys.backend, TRIGGER, {
    input: triggerInput({ notificationKey: 'comment.mentioned', payload: { author: text }, recipients: [{ id }] }),
  })

const END = 'the end of it'

/** Everything that arrives until the end does, over server-sent events. */
const overEvents = async (credential: string, body: object, opened: () => Promise<void>): Promise<string> => {
  const end = new AbortController()
  const response = await fetch(world.carillon.graphqlUrl, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${credential}`,
    },
    body: JSON.stringify(body),
    signal: end.signal,
  })
  const sent = opened()
  let heard = ''
  for await (const { data } of eventsOf(response)) {
    heard += JSON.stringify(data)
    if (heard.includes(END)) break
  }
  end.abort()
  await sent
  return heard
}

/** The same over a socket. */
const overSocket = async (
  token: string,
  body: { query: string; variables: Record<string, unknown> },
  opened: () => Promise<void>,
): Promise<string> => {
  const client = createClient({
    url: world.carillon.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { token },
    lazy: false,
  })
  await new Promise<void>((resolve) => client.on('connected', () => resolve()))
  let heard = ''
  const done = (async () => {
    for await (const result of client.iterate(body)) {
      heard += JSON.stringify(result)
      if (heard.includes(END)) break
    }
  })()
  // Answered behind the subscription, on the same socket: by then that is open.
  for await (const _ of client.iterate({ query: '{ viewer { tenantId } }' })) break
  await opened()
  await done
  await client.dispose()
  return heard
}

const subscriptions = rootFields().filter(({ place }) => place.startsWith('Subscription'))

describe.each(subscriptions)('$place', ({ type, field }) => {
  test.each([
    ['server-sent events', overEvents],
    ['a socket', overSocket],
  ])('tells another tenant and another recipient nothing of ours, over %s', async (_, listen) => {
    const { theirs, ours } = world
    const operatorsOnly = field.name === 'deliveryUpdates'
    const listeners = [
      { house: theirs, credential: theirs.keys.operator, id: 'ada', foreign: MARK.ours },
      ...(operatorsOnly ? [] : [{ house: ours, credential: ours.bobToken, id: 'bob', foreign: ours.marks.ada }]),
    ]
    for (const { house, credential, id, foreign } of listeners) {
      const given = argumentsFor(field.name, id, askedIds(world.ids))
      const selection = everythingOf(getNamedType(field.type))
      const query = operationFor(String(type?.name), field, { given, selection })
      const heard = await listen(credential, { query, variables: given }, async () => {
        await send(ours, 'ada', `${ours.marks.ada} again`)
        await send(house, id, END)
      })
      expect(heard).toContain(END)
      expect(heard).not.toContain(foreign)
    }
  })
})
