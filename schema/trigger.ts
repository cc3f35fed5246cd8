import type { Event as StoredEvent } from '../generated/prisma/client.ts'
import { encodeNodeId } from '../server/core/node-id.ts'
import type { TriggerRequest } from '../server/core/trigger-request.ts'
import { badInput, type CarillonError, type InputPath } from '../server/errors.ts'
import { publicError } from '../server/operations/failures.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { ErrorCode } from './error-code.ts'
import { Event, toEvent } from './event.ts'
import { RecipientInput, toRecipientDetails } from './recipient.ts'

const MAX_BATCH = 1_000

const TriggerInput = builder.inputType('TriggerInput', {
  description: 'Something that happened, and whom it concerns.',
  fields: (t) => ({
    notificationKey: t.string({ required: true, description: 'Which notifier.' }),
    payload: t.field({ type: 'JSON', description: 'What happened, as the notifier wants it; {} where left out.' }),
    idempotencyKey: t.string({
      required: true,
      description:
        'Unique per tenant. The same key with the same request answers the first event; with another request it is IDEMPOTENCY_CONFLICT.',
    }),
    recipients: t.field({
      type: [RecipientInput],
      description:
        'Who gets it, beside those whom the notifier names; details given here are stored on the recipient. At most 1000.',
    }),
    topics: t.stringList({
      description: 'Everyone subscribed to these topics when the event is planned. At most 100.',
    }),
    actorId: t.id({ description: 'Who caused it; never notified of its own act.' }),
    correlationId: t.string({ description: "The caller's own mark, to find everything of one cause." }),
    sendAt: t.field({ type: 'DateTime', description: 'Plan it at this instant instead of now.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'Drop what has not been handed over by then. After now, and after sendAt.',
    }),
  }),
})

interface Accepted {
  readonly event: StoredEvent
  readonly deduplicated: boolean
}

const TriggerPayload = builder.objectRef<Accepted>('TriggerPayload').implement({
  description: 'An accepted trigger: all that it causes is committed.',
  fields: (t) => ({
    event: t.expose('event', { type: Event, description: 'What was recorded.' }),
    deduplicated: t.exposeBoolean('deduplicated', {
      description: 'True where the idempotency key had been used for this same request before.',
    }),
  }),
})

// No default in the schema: graphql-js cannot print an object as the default of a scalar, and introspection would fail.
const toRequest = (input: typeof TriggerInput.$inferInput): TriggerRequest => ({
  notificationKey: input.notificationKey,
  payload: input.payload === undefined ? {} : input.payload,
  idempotencyKey: input.idempotencyKey,
  recipients: input.recipients?.map(toRecipientDetails) ?? null,
  topics: input.topics ?? null,
  actorId: input.actorId ?? null,
  correlationId: input.correlationId ?? null,
  sendAt: input.sendAt ?? null,
  expiresAt: input.expiresAt ?? null,
})

const triggerOne = async (
  { app, principal, parent }: Context,
  input: typeof TriggerInput.$inferInput,
  path: InputPath,
): Promise<Accepted> => {
  const { tenantId } = principal
  const { event, deduplicated } = await app.trigger({ tenantId, request: toRequest(input), path, parent })
  return { event: toEvent(event), deduplicated }
}

builder.mutationField('trigger', (t) =>
  t.field({
    type: TriggerPayload,
    description:
      'Record an event and everything it causes, in one transaction. Returns once that is durable [backend].',
    args: { input: t.arg({ type: TriggerInput, required: true, description: 'What happened.' }) },
    resolve: (_, { input }, context) => {
      allow(context, 'TRIGGER')
      return triggerOne(context, input, ['input'])
    },
  }),
)

/** What a `CarillonError` says. Not the error itself: graphql-js takes any Error that it is given for one to throw. */
type Refusal = Pick<CarillonError, 'code' | 'message' | 'details'>

const TriggerError = builder.objectRef<Refusal>('TriggerError').implement({
  description: 'Why one trigger of a batch was refused; nothing of it was written.',
  fields: (t) => ({
    code: t.field({ type: ErrorCode, description: 'As in `extensions.code`.', resolve: ({ code }) => code }),
    message: t.exposeString('message', { description: 'In words.' }),
    issues: t.field({
      type: 'JSON',
      nullable: true,
      description: 'For INVALID_PAYLOAD: path and message of each.',
      resolve: ({ details }) => details.issues ?? null,
    }),
    eventId: t.id({
      nullable: true,
      description: "For IDEMPOTENCY_CONFLICT: the first one's.",
      resolve: ({ details }) => (details.eventId ? encodeNodeId('Event', details.eventId) : null),
    }),
  }),
})

interface BatchResult {
  readonly trigger: Accepted | null
  readonly error: Refusal | null
}

const TriggerBatchResult = builder.objectRef<BatchResult>('TriggerBatchResult').implement({
  description: 'What became of one trigger of a batch: exactly one of the two is set.',
  fields: (t) => ({
    trigger: t.expose('trigger', { type: TriggerPayload, nullable: true, description: 'Where it was accepted.' }),
    error: t.expose('error', { type: TriggerError, nullable: true, description: 'Where it was refused.' }),
  }),
})

const TriggerBatchPayload = builder
  .objectRef<{ readonly results: readonly BatchResult[] }>('TriggerBatchPayload')
  .implement({
    description: 'What became of a batch.',
    fields: (t) => ({
      results: t.field({
        type: [TriggerBatchResult],
        description: 'One for each trigger, in the order given.',
        resolve: ({ results }) => [...results],
      }),
    }),
  })

const TriggerBatchInput = builder.inputType('TriggerBatchInput', {
  description: 'Several triggers at once.',
  fields: (t) => ({
    triggers: t.field({ type: [TriggerInput], required: true, description: 'At most 1000.' }),
  }),
})

const settled = (result: PromiseSettledResult<Accepted>, { app }: Context): BatchResult => {
  if (result.status === 'fulfilled') return { trigger: result.value, error: null }
  const { code, message, details } = publicError(result.reason, app.telemetry)
  return { trigger: null, error: { code, message, details } }
}

builder.mutationField('triggerBatch', (t) =>
  t.field({
    type: TriggerBatchPayload,
    description: 'Up to 1000 triggers; each succeeds or fails by itself [backend].',
    args: { input: t.arg({ type: TriggerBatchInput, required: true, description: 'What happened.' }) },
    resolve: async (_, { input: { triggers } }, context) => {
      allow(context, 'TRIGGER')
      const path = ['input', 'triggers']
      if (triggers.length > MAX_BATCH) throw badInput(`triggers holds more than ${MAX_BATCH}`, path)
      const results = await Promise.allSettled(
        triggers.map((input, index) => triggerOne(context, input, [...path, index])),
      )
      return { results: results.map((result) => settled(result, context)) }
    },
  }),
)
