import type { GraphQLAnswer, TestCarillon } from './carillon.ts'

const DELIVERIES = `query ($filter: DeliveryFilter) {
  deliveries(filter: $filter, first: 100) {
    edges {
      node {
        id channel status orchestrationState waitingFor suppressionReason nextEligibleAt nextAttemptAt updatedAt
        notification { recipientId }
        attempts { attemptNumber outcome errorClass reason adapter address source providerMessageId startedAt insertedAt }
        explanation {
          summary
          timeline { at event detail }
          decisions { checkpoint at rule verdict reason facts }
        }
      }
    }
  }
}`

/** The deliveries that fit, oldest first, with all that explains them. */
export const deliveriesOf = async (
  carillon: TestCarillon,
  filter: Record<string, unknown>,
): Promise<GraphQLAnswer['data'][]> => {
  const { deliveries } = await carillon.ok(carillon.operatorKey, DELIVERIES, { filter })
  return deliveries.edges.map(({ node }: GraphQLAnswer['data']) => node).reverse()
}

/** The one delivery that fits. */
export const deliveryOf = async (
  carillon: TestCarillon,
  filter: Record<string, unknown>,
): Promise<GraphQLAnswer['data']> => {
  const found = await deliveriesOf(carillon, filter)
  if (found.length !== 1) throw new Error(`expected one delivery, found ${found.length}`)
  return found[0]
}

/** The names of what happened to a delivery, in order. */
export const storyOf = ({ explanation }: GraphQLAnswer['data']): string[] =>
  explanation.timeline.map(({ event }: { event: string }) => event)

/** How each delivery that fits stands, oldest first: its channel, and its status or why it was not sent. */
export const standsOf = async (carillon: TestCarillon, filter: Record<string, unknown>): Promise<string[]> => {
  const query = `query ($filter: DeliveryFilter) {
    deliveries(filter: $filter, first: 100) { edges { node { channel status suppressionReason } } }
  }`
  const { deliveries } = await carillon.ok(carillon.operatorKey, query, { filter })
  const stands = deliveries.edges.map(
    ({ node: { channel, status, suppressionReason } }: GraphQLAnswer['data']) =>
      `${channel} ${suppressionReason ?? status}`,
  )
  return stands.reverse()
}
