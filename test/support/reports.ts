import type { Adapter, ProviderEvent } from '../../server/index.ts'
import type { GraphQLAnswer, TestCarillon } from './carillon.ts'

/** Takes webhooks whose body is the list of events itself, signed by nobody. */
export const takesEvents: Pick<Adapter, 'receive'> = {
  receive: ({ rawBody }) => JSON.parse(Buffer.from(rawBody).toString()) as ProviderEvent[],
}

/** Where a provider reports. */
export const webhookUrl = ({ graphqlUrl }: TestCarillon, adapter: string, tenantId = 'acme'): string =>
  graphqlUrl.replace('/graphql', `/webhooks/${tenantId}/${adapter}`)

/** What a provider reports, of a test's adapter that takes events; answers the HTTP status. */
export const report = async (
  carillon: TestCarillon,
  adapter: string,
  events: readonly object[],
  tenantId?: string,
): Promise<number> => {
  const response = await fetch(webhookUrl(carillon, adapter, tenantId), {
    method: 'POST',
    body: JSON.stringify(events),
  })
  await response.arrayBuffer()
  return response.status
}

const INGRESSES = `query ($filter: WebhookIngressFilter, $first: Int) {
  webhookIngresses(filter: $filter, first: $first) {
    edges { node { id adapter providerEventId providerMessageId normalizedStatus state ignoredReason delivery { id } insertedAt processedAt } }
  }
}`

/** What the API says of reports, oldest first. */
export const reportsOf = async (
  carillon: TestCarillon,
  filter: Record<string, unknown> = {},
): Promise<GraphQLAnswer['data'][]> => {
  const { webhookIngresses } = await carillon.ok(carillon.operatorKey, INGRESSES, { filter, first: 100 })
  return webhookIngresses.edges.map(({ node }: GraphQLAnswer['data']) => node).reverse()
}
