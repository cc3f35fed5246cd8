import {
  type CarillonClient,
  ExplainDeliveriesDocument,
  type ExplainDeliveriesQuery,
  ExplainRecipientDocument,
  type ExplainRecipientQuery,
} from '../../client-sdk/index.ts'
import { decodeNodeId, encodeNodeId } from '../core/node-id.ts'
import type { Environment } from '../environment.ts'
import { withServer } from './ask.ts'
import type { ServerOptions } from './commands/server-options.ts'
import { eventInWords, explanationInWords } from './explanation-in-words.ts'
import { answerNo, say, sayJson, tell } from './output.ts'
import { UsageError } from './usage.ts'

type Explanation = ExplainDeliveriesQuery['deliveries']['edges'][number]['node']['explanation']
type FoundEvent = NonNullable<Awaited<ReturnType<CarillonClient['event']>>>

/** Of an event or a notification, so many deliveries are explained. */
const DELIVERIES = 20
/** Of each, so many entries of its timeline are shown, the oldest and the newest. */
const ENTRIES = 100

/** What was found; `null` where it does not exist. */
type Answer =
  | { readonly kind: 'delivery'; readonly explanation: Explanation }
  | {
      readonly kind: 'event'
      readonly event: FoundEvent | null
      readonly explanations: readonly Explanation[]
      readonly more: boolean
    }
  | { readonly kind: 'recipient'; readonly recipient: ExplainRecipientQuery['explainRecipient'] }
  | null

const ofDelivery = async (client: CarillonClient, deliveryId: string): Promise<Answer> => {
  const explanation = await client.explainDelivery({ deliveryId, timelineFirst: ENTRIES })
  return explanation && { kind: 'delivery', explanation }
}

const ofDeliveries = async (
  client: CarillonClient,
  filter: { readonly eventId: string } | { readonly notificationId: string },
  event: FoundEvent | null,
): Promise<Answer> => {
  const variables = { filter, first: DELIVERIES, timelineFirst: ENTRIES }
  const { deliveries } = await client.request(ExplainDeliveriesDocument, variables)
  const explanations = deliveries.edges.map(({ node }) => node.explanation)
  if (event === null && explanations.length === 0) return null
  return { kind: 'event', event, explanations, more: deliveries.pageInfo.hasNextPage }
}

const ofEvent = async (client: CarillonClient, id: string): Promise<Answer> => {
  const event = await client.event({ id })
  return event && ofDeliveries(client, { eventId: event.id }, event)
}

const ofNotification = (client: CarillonClient, notificationId: string): Promise<Answer> =>
  ofDeliveries(client, { notificationId }, null)

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** A log's id does not say of what it is. */
const ofUuid = async (client: CarillonClient, given: string): Promise<Answer> => {
  const uuid = given.toLowerCase()
  return (
    (await ofDelivery(client, encodeNodeId('Delivery', uuid))) ??
    (await ofEvent(client, encodeNodeId('Event', uuid))) ??
    (await ofNotification(client, encodeNodeId('Notification', uuid)))
  )
}

const ofIdempotencyKey = async (client: CarillonClient, idempotencyKey: string): Promise<Answer> => {
  const event = await client.eventByIdempotencyKey({ idempotencyKey })
  return event && ofDeliveries(client, { eventId: event.id }, event)
}

const ofId = async (client: CarillonClient, id: string): Promise<Answer> => {
  // Any text may be an idempotency key, one that looks like an id too.
  const byKey = () => ofIdempotencyKey(client, id)
  if (UUID.test(id)) return (await ofUuid(client, id)) ?? byKey()
  const decoded = decodeNodeId(id)
  switch (decoded?.type) {
    case 'Delivery':
      return ofDelivery(client, id)
    case 'Event':
      return ofEvent(client, id)
    case 'Notification':
      return ofNotification(client, id)
    case undefined:
      return byKey()
    default:
      throw new UsageError(`That is the id of a ${decoded?.type}: name a delivery, an event or a notification`)
  }
}

export interface ExplainCommand {
  readonly server: ServerOptions
  readonly question:
    | { readonly id: string }
    | { readonly recipientId: string; readonly notificationKey: string; readonly since: string | null }
  readonly json: boolean
}

const shown = (answer: Exclude<Answer, null>): string => {
  switch (answer.kind) {
    case 'delivery':
      return explanationInWords(answer.explanation)
    case 'event': {
      const { event, explanations, more } = answer
      const rest = more
        ? [`There are more deliveries than these ${explanations.length}; each is explained by its own id.`]
        : []
      return [...(event ? [eventInWords(event)] : []), ...explanations.map(explanationInWords), ...rest].join('\n\n')
    }
    case 'recipient':
      return [answer.recipient.summary, ...answer.recipient.explanations.map(explanationInWords)].join('\n\n')
  }
}

/** `carillon explain`: prints the API's own explanation; it works nothing out by itself. */
export const explain = async (environment: Environment, { server, question, json }: ExplainCommand): Promise<void> => {
  const answer = await withServer(environment, server, async (client): Promise<Answer> => {
    if ('id' in question) return ofId(client, question.id)
    const { explainRecipient } = await client.request(ExplainRecipientDocument, { ...question, timelineFirst: ENTRIES })
    return { kind: 'recipient', recipient: explainRecipient }
  })
  if (answer === null) {
    answerNo()
    if (json) return sayJson(null)
    return tell('There is no delivery, event or notification with this id, and no event with this idempotency key.')
  }
  if (answer.kind === 'recipient' && answer.recipient.finding === 'no_event') answerNo()
  if (json)
    return sayJson(
      answer.kind === 'recipient' ? answer.recipient : answer.kind === 'delivery' ? answer.explanation : answer,
    )
  say(shown(answer))
}
