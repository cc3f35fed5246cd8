import { isObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../schema/index.ts'
import { memory } from '../../server/index.ts'
import { createApiKey } from '../../server/operations/credentials.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { mention } from '../support/notifiers.ts'
import { argumentsFor, operationFor, rootFields } from '../support/root-fields.ts'
import { trigger } from '../support/trigger.ts'

const ROLES = ['backend', 'operator', 'recipient'] as const
type Role = (typeof ROLES)[number]

const INBOX = ['operator', 'recipient'] as const
const ANYBODY_CONCERNED = ['backend', 'operator', 'recipient'] as const

/** Every root field and who may call it. A field that is missing here fails the first test. */
const WHO_MAY: Readonly<Record<string, readonly Role[]>> = {
  'Query.viewer': ROLES,
  'Query.node': ROLES,
  'Query.inbox': INBOX,
  'Query.preferences': ANYBODY_CONCERNED,
  'Query.explainDelivery': ['operator'],
  'Query.explainRecipient': ['operator'],
  'Query.reasons': ['operator'],
  'Query.outcomes': ['operator'],
  'Query.outcomeHistory': ['operator'],
  'Query.queue': ['operator'],
  'Query.event': ['backend', 'operator'],
  'Query.eventByIdempotencyKey': ['backend', 'operator'],
  'Query.events': ['operator'],
  'Query.delivery': ['operator'],
  'Query.deliveries': ['operator'],
  'Query.webhookIngresses': ['operator'],
  'Query.digestRules': ['operator'],
  'Query.digestBuckets': ['operator'],
  'Mutation.upsertDigestRule': ['operator'],
  'Mutation.deleteDigestRule': ['operator'],
  'Mutation.flushDigestBucket': ['operator'],
  'Mutation.retryDelivery': ['operator'],
  'Mutation.cancelDelivery': ['operator'],
  'Mutation.resumeDelivery': ['operator'],
  'Query.recipient': ['backend', 'operator'],
  'Query.recipients': ['backend', 'operator'],
  'Query.topic': ['backend', 'operator'],
  'Query.exportRecipient': ['backend', 'operator'],
  'Mutation.eraseRecipient': ['backend'],
  'Query.simulateTrigger': ['backend', 'operator'],
  'Query.previewRendering': ['backend', 'operator'],
  'Query.notifiers': ['backend', 'operator'],
  'Query.notifier': ['backend', 'operator'],
  'Mutation.trigger': ['backend'],
  'Mutation.triggerBatch': ['backend'],
  'Mutation.cancelEvent': ['backend'],
  'Mutation.signal': ['backend'],
  'Query.workflowRun': ['operator'],
  'Query.workflowRuns': ['operator'],
  'Mutation.cancelWorkflowRun': ['operator'],
  'Mutation.upsertRecipients': ['backend'],
  'Mutation.subscribeToTopic': ['backend'],
  'Mutation.unsubscribeFromTopic': ['backend'],
  'Mutation.createRecipientToken': ['backend'],
  'Mutation.setPreferences': ANYBODY_CONCERNED,
  'Mutation.setPolicySettings': ANYBODY_CONCERNED,
  'Mutation.registerAddress': ANYBODY_CONCERNED,
  'Mutation.removeAddress': ANYBODY_CONCERNED,
  'Mutation.markSeen': INBOX,
  'Mutation.markRead': INBOX,
  'Mutation.markUnread': INBOX,
  'Mutation.archive': INBOX,
  'Mutation.unarchive': INBOX,
  'Mutation.snooze': INBOX,
  'Mutation.unsnooze': INBOX,
  'Subscription.inboxUpdates': INBOX,
  'Subscription.deliveryUpdates': ['operator'],
}

/** Those that are let through and then told that the delivery they are asked with has arrived. */
const LET_THROUGH: Readonly<Record<string, readonly string[]>> = {
  'Mutation.retryDelivery': ['INVALID_STATE'],
  'Mutation.cancelDelivery': ['INVALID_STATE'],
  'Mutation.resumeDelivery': ['INVALID_STATE'],
  'Mutation.cancelWorkflowRun': ['NOT_FOUND'],
  'Mutation.deleteDigestRule': ['NOT_FOUND'],
  'Mutation.flushDigestBucket': ['NOT_FOUND'],
}

let carillon: TestCarillon
let keys: Record<Role, string>
let eventId: string
let deliveryId: string

beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [mention], adapters: { email: memory() } })
  const operator = await createApiKey(carillon.app.db, { tenantId: 'acme', scopes: ['OPERATE'], label: 'support' })
  keys = { backend: carillon.backendKey, operator, recipient: await carillon.tokenFor('ada') }
  const { event } = await trigger(carillon, { notificationKey: 'comment.mentioned', payload: { author: 'Bob' } })
  eventId = event.id
  deliveryId = (await deliveryOf(carillon, { eventId, channel: 'in_app' })).id
  const subscribe = 'mutation { subscribeToTopic(input: { topicKey: "releases", recipientIds: [] }) { __typename } }'
  await carillon.ok(keys.backend, subscribe)
})
afterAll(() => carillon.close())

/** What each field is asked with, where it asks for anything. */
const argumentsOf = (name: string): Record<string, unknown> =>
  argumentsFor(name, 'ada', {
    eventId,
    deliveryId,
    notificationId: '',
    bucketId: 'none',
    workflowRunId: deliveryId,
    addressId: '',
  })

/** The answer to an operation, and of a subscription its first event. */
const ask = async (
  credential: string | null,
  query: string,
  variables: Record<string, unknown>,
): Promise<GraphQLAnswer> => {
  if (!query.startsWith('subscription')) return carillon.ask(credential, query, variables)
  const end = new AbortController()
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      ...(credential && { authorization: `Bearer ${credential}` }),
    },
    body: JSON.stringify({ query, variables }),
    signal: end.signal,
  })
  // What there is to be told of where nothing is told at once.
  if (response.status === 200) {
    await trigger(carillon, { notificationKey: 'comment.mentioned', payload: { author: 'Bob' } })
  }
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (response.status !== 200 || /^data: \{.*\}$/m.test(text)) break
  }
  end.abort()
  const { data = null, errors = [] } = JSON.parse(/\{.*\}/.exec(text)?.[0] ?? '{}')
  return { status: response.status, data, errors }
}

const askField = (credential: string | null, place: string, given?: Record<string, unknown>) => {
  const { field, type } = rootFields().find((root) => root.place === place) ?? {}
  if (!field || !type) throw new Error(`there is no field ${place}`)
  const variables = given ?? argumentsOf(field.name)
  return ask(credential, operationFor(type.name, field, { given: variables }), variables)
}

test('who may call it is said here of every root field there is', () => {
  expect(Object.keys(WHO_MAY).sort()).toEqual(
    rootFields()
      .map(({ place }) => place)
      .sort(),
  )
})

test("every root field's description says who may call it", () => {
  for (const { place, field } of rootFields()) {
    const brackets = /\[([^\]]*)\]/.exec(field.description ?? '')?.[1]
    const said = ROLES.filter((role) => brackets?.includes(role))
    // Anybody may ask who they are, and for what is theirs by its id.
    if (place === 'Query.viewer' || place === 'Query.node') expect([place, said]).toEqual([place, []])
    else expect([place, said.toSorted()]).toEqual([place, WHO_MAY[place]?.toSorted()])
  }
})

describe.each(Object.keys(WHO_MAY))('%s', (place) => {
  test('is for nobody without a credential, or with one that is none', async () => {
    for (const credential of [null, 'nonsense', 'ck_nonsense', `${keys.recipient}x`]) {
      const { status, data, errors } = await askField(credential, place)
      expect([status, data, errors.map(({ extensions }) => extensions)]).toEqual([
        401,
        null,
        [{ code: 'UNAUTHENTICATED' }],
      ])
    }
  })

  test.each(ROLES)('is for a %s where it says so, and forbidden where it does not', async (role) => {
    const { data, errors } = await askField(keys[role], place)
    const codes = errors.map(({ extensions }) => extensions['code'])
    if (WHO_MAY[place]?.includes(role)) {
      expect(codes).toEqual(LET_THROUGH[place] ?? [])
      if (!LET_THROUGH[place]) expect(data).not.toBeNull()
    } else {
      expect([codes, Object.values(data ?? {}).filter(Boolean)]).toEqual([['FORBIDDEN'], []])
    }
  })

  test('is for a recipient itself alone', async () => {
    const given = argumentsOf(place.split('.')[1] ?? '')
    const foreign = JSON.parse(JSON.stringify(given).replaceAll('"recipientId":"ada"', '"recipientId":"bob"'))
    if (JSON.stringify(foreign) === JSON.stringify(given)) return
    const { errors } = await askField(keys.recipient, place, foreign)
    expect(errors.map(({ extensions }) => extensions['code'])).toEqual(['FORBIDDEN'])
  })
})

test('a recipient need not name itself', async () => {
  for (const place of ['Query.inbox', 'Query.preferences', 'Subscription.inboxUpdates']) {
    expect((await askField(keys.recipient, place, {})).errors).toEqual([])
  }
  for (const name of ['markSeen', 'markRead', 'markUnread', 'archive', 'unarchive', 'unsnooze']) {
    expect((await askField(keys.recipient, `Mutation.${name}`, { input: { ids: [] } })).errors).toEqual([])
  }
  expect((await askField(keys.recipient, 'Mutation.setPolicySettings', { input: {} })).errors).toEqual([])
  for (const place of ['Mutation.registerAddress', 'Mutation.removeAddress']) {
    const input = { channel: 'pager', address: '8' }
    expect((await askField(keys.recipient, place, { input })).errors).toEqual([])
  }
})

test('a key that concerns somebody has to say whom', async () => {
  for (const place of ['Query.inbox', 'Query.preferences', 'Subscription.inboxUpdates']) {
    const { errors } = await askField(keys.operator, place, {})
    expect(errors.map(({ extensions }) => extensions)).toEqual([{ code: 'BAD_USER_INPUT', path: ['recipientId'] }])
  }
})

test('each is told whose credential it has', async () => {
  const viewer = async (role: Role) =>
    (await carillon.ok(keys[role], '{ viewer { tenantId scopes recipientId } }')).viewer
  expect(await viewer('backend')).toEqual({ tenantId: 'acme', scopes: ['TRIGGER'], recipientId: null })
  expect(await viewer('operator')).toEqual({ tenantId: 'acme', scopes: ['OPERATE'], recipientId: null })
  expect(await viewer('recipient')).toEqual({ tenantId: 'acme', scopes: ['RECIPIENT'], recipientId: 'ada' })
})

test('every object type says what it is', () => {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    expect([type.name, Boolean(type.description)]).toEqual([type.name, true])
  }
})
