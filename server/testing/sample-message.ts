import type { OutgoingMessage } from '../adapters/adapter.ts'

/**
 * A message as the server would make it, with the given content: by default the first try of an e-mail to Ada Lovelace
 * at ada@example.test. Whatever else the test is about stands in `changes`.
 */
export const sampleMessage = <C>(content: C, changes: Partial<OutgoingMessage<C>> = {}): OutgoingMessage<C> => ({
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
