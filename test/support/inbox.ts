import type { GraphQLAnswer, TestCarillon } from './carillon.ts'
import { trigger } from './trigger.ts'

/** One recipient's inbox, seen and changed as its front end does. */
export interface TestInbox {
  readonly token: string
  readonly recipientId: string
  /** Puts items with these titles into it, in this order. */
  arrive(...titles: readonly string[]): Promise<void>
  /** The titles and ids of what a filter fits, newest first. */
  items(filter?: object): Promise<readonly { readonly id: string; readonly title: string }[]>
  stand(): Promise<GraphQLAnswer['data']>
  mark(action: string, input: object): Promise<GraphQLAnswer['data']>
  tryMark(action: string, input: object): Promise<GraphQLAnswer>
}

const ITEM = 'id cursor seenAt readAt archivedAt arrivedAt content { title }'
const mutation = (action: string) =>
  `mutation ($input: InboxSelectionInput!) { ${action}(input: $input) { affectedCount cursor counts { total unread unseen } notifications { ${ITEM} } } }`

export const inboxOf = async (carillon: TestCarillon, recipientId: string): Promise<TestInbox> => {
  const token = await carillon.tokenFor(recipientId)
  return {
    token,
    recipientId,
    async arrive(...titles) {
      for (const text of titles) await trigger(carillon, { payload: { text }, recipients: [{ id: recipientId }] })
    },
    async items(filter) {
      const query = `query ($filter: InboxFilter) { inbox { notifications(filter: $filter, first: 100) { edges { node { ${ITEM} } } } } }`
      const { inbox } = await carillon.ok(token, query, { filter })
      return inbox.notifications.edges.map(({ node }: GraphQLAnswer['data']) => ({
        ...node,
        title: node.content.title,
      }))
    },
    stand: async () => (await carillon.ok(token, '{ inbox { cursor counts { total unread unseen } } }')).inbox,
    mark: async (action, input) => (await carillon.ok(token, mutation(action), { input }))[action],
    tryMark: (action, input) => carillon.ask(token, mutation(action), { input }),
  }
}
