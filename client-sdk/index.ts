export type { CarillonClient, ClientOptions } from './client.ts'
export { createClient } from './client.ts'
export type { Token } from './credential.ts'
export type { AnsweredError, ClientErrorCode, InputPath } from './error.ts'
export { CarillonClientError } from './error.ts'
export type {
  CountsFragment as InboxCounts,
  ExplanationFragment as DeliveryExplanation,
  InboxNotificationFragment as InboxNotification,
  InboxUpdateFragment as InboxUpdate,
} from './generated/operations.ts'
// The API's types, and every operation of this package as a document.
export * from './generated/operations.ts'
export type { RequestOptions } from './http.ts'
export type { WatchOptions } from './inbox.ts'
export * from './inbox-store/index.ts'
export type { TypedDocument } from './typed-document.ts'
export type { WebSocketConstructor } from './web-socket.ts'
