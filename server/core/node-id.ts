import { textFault } from './json-limits.ts'

/** The kinds of rows that have an opaque id outside the server. */
export const NODE_TYPES = [
  'Recipient',
  'RecipientAddress',
  'Event',
  'Notification',
  'Delivery',
  'DeliveryAttempt',
  'WebhookIngress',
  'Topic',
  'DigestRule',
  'DigestBucket',
  'WorkflowRun',
  'WorkflowTransition',
  'Signal',
] as const
export type NodeType = (typeof NODE_TYPES)[number]

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The id of a row as everyone outside sees it. */
export const encodeNodeId = (type: NodeType, id: string): string => Buffer.from(`${type}:${id}`).toString('base64url')

/** What an opaque id stands for; `null` where it was never issued. A recipient's own part is the host's id, the others' a UUID. */
export const decodeNodeId = (nodeId: string): { readonly type: NodeType; readonly id: string } | null => {
  const text = Buffer.from(nodeId, 'base64url').toString()
  const colon = text.indexOf(':')
  const type = NODE_TYPES.find((known) => known === text.slice(0, colon))
  const id = text.slice(colon + 1)
  if (!type || encodeNodeId(type, id) !== nodeId) return null
  const issued = type === 'Recipient' ? textFault(id, []) === null : UUID.test(id)
  return issued ? { type, id } : null
}

/** The row's own id behind an opaque one of that type; `null` where it is none. */
export const idOfType = (type: NodeType, nodeId: string): string | null => {
  const decoded = decodeNodeId(nodeId)
  return decoded?.type === type ? decoded.id : null
}
