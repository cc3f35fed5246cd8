import { type GraphQLField, getNamedType, isLeafType } from 'graphql'
import { schema } from '../../schema/index.ts'
import { triggerInput } from './trigger.ts'

/** Opaque ids of rows that an operation may be asked with; '' for none. */
export interface AskedIds {
  readonly eventId: string
  readonly deliveryId: string
  readonly notificationId: string
  readonly bucketId: string
  readonly workflowRunId: string
  readonly addressId: string
}

export const rootFields = () =>
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
    Object.values(type?.getFields() ?? {}).map((field) => ({ place: `${type?.name}.${field.name}`, type, field })),
  )

const input = (given: object) => ({ input: given })

/** What a root field is asked with, where it asks for anything: about `recipientId`, and rows of these ids. */
export const argumentsFor = (name: string, recipientId: string, ids: AskedIds): Record<string, unknown> => {
  const { eventId, deliveryId, notificationId, bucketId, workflowRunId, addressId } = ids
  const payload = { author: 'Bob' }
  const notificationKey = 'comment.mentioned'
  const given: Record<string, Record<string, unknown>> = {
    node: { id: eventId },
    inbox: { recipientId },
    inboxUpdates: { recipientId },
    preferences: { recipientId },
    explainDelivery: { deliveryId },
    explainRecipient: { recipientId, notificationKey },
    event: { id: eventId },
    eventByIdempotencyKey: { idempotencyKey: 'x' },
    delivery: { id: deliveryId },
    ...(notificationId && { deliveries: { filter: { eventId, notificationId } } }),
    webhookIngresses: { filter: { deliveryId } },
    retryDelivery: input({ deliveryId, reason: 'why' }),
    cancelDelivery: input({ deliveryId, reason: 'why' }),
    resumeDelivery: input({ deliveryId, reason: 'why' }),
    upsertDigestRule: input({
      key: 'r',
      version: 1,
      channel: 'email',
      groupBy: 'CATEGORY',
      windowKind: 'FIXED',
      windowMinutes: 5,
    }),
    deleteDigestRule: input({ key: 'none', version: 1 }),
    flushDigestBucket: input({ bucketId, reason: 'why' }),
    snooze: input({ recipientId, ids: [notificationId], until: '2999-01-01T00:00:00.000Z' }),
    exportRecipient: { recipientId: 'nobody' },
    eraseRecipient: input({ recipientId: 'nobody' }),
    recipient: { recipientId },
    workflowRun: { id: workflowRunId },
    cancelWorkflowRun: input({ workflowRunId, reason: 'why' }),
    signal: input({ name: 'paid', recipientId }),
    trigger: input(triggerInput({ notificationKey, payload, recipients: [] })),
    triggerBatch: input({ triggers: [] }),
    simulateTrigger: input({ notificationKey, payload, recipients: [] }),
    previewRendering: input({ notificationKey, payload, recipient: { id: recipientId }, channel: 'email' }),
    notifier: { key: notificationKey },
    outcomeHistory: input({ insertedAfter: new Date(Date.now() - 3_600_000).toISOString(), periodMinutes: 30 }),
    cancelEvent: input({ eventId }),
    upsertRecipients: input({ recipients: [] }),
    createRecipientToken: input({ recipientId }),
    setPreferences: input({ recipientId, preferences: [] }),
    setPolicySettings: input({ recipientId }),
    registerAddress: input({ recipientId, channel: 'pager', address: '7' }),
    removeAddress: input(addressId ? { recipientId, addressId } : { recipientId, channel: 'pager', address: '7' }),
    topic: { key: 'releases' },
    subscribeToTopic: input({ topicKey: 'releases', recipientIds: [] }),
    unsubscribeFromTopic: input({ topicKey: 'releases', recipientIds: [] }),
  }
  const marking = /^(mark|archive|unarchive|unsnooze)/.test(name)
  return given[name] ?? (marking ? input({ recipientId, ids: notificationId ? [notificationId] : [] }) : {})
}

/** The operation that asks one root field, with arguments as variables. */
export const operationFor = (
  kind: string,
  { name, args, type }: GraphQLField<unknown, unknown>,
  { given, selection = '{ __typename }' }: { readonly given: object; readonly selection?: string },
): string => {
  const selected = isLeafType(getNamedType(type)) ? '' : selection
  const used = args.filter((arg) => arg.name in given)
  const declared = used.map((arg) => `$${arg.name}: ${arg.type}`).join(', ')
  const passed = used.map((arg) => `${arg.name}: $${arg.name}`).join(', ')
  return `${kind.toLowerCase()} ${declared && `(${declared})`} { ${name}${passed && `(${passed})`} ${selected} }`
}
