import type { OutgoingMessage } from '../../server/adapters/adapter.ts'

/** A message as the server would make it, with the given content. */
export const messageWith = <C>(content: C, changes: Partial<OutgoingMessage<C>> = {}): OutgoingMessage<C> => ({
  tenantId: 'VGVuYW50OjE',
  deliveryId: 'RGVsaXZlcnk6MQ',
  idempotencyKey: 'RGVsaXZlcnk6MQ-0',
  attemptId: 'QXR0ZW1wdDox',
  attemptNumber: 1,
  channel: 'email',
  notificationKey: 'comment.mentioned',
  recipient: { id: 'user-1', displayName: 'Ada Lovelace', email: 'ada@example.test', phone: '+49 170 1234567' },
  address: 'ada@example.test',
  content,
  renderKey: 'comment.mentioned.email',
  renderVersion: 1,
  ...changes,
})
