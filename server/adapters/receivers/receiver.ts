import type { ProviderEvent, WebhookRequest } from '../adapter.ts'

/** A provider's callbacks: how its mails name their delivery, and how its webhooks are verified and read. */
export interface Receiver {
  /** Headers of the mail by which the provider hands the delivery's id back. */
  headers?(deliveryId: string): Record<string, string>
  /**
   * The events of a webhook, none for kinds that say nothing about a delivery. Throws `WebhookSignatureError` where it
   * cannot be told that the provider sent it, `WebhookUnavailableError` where that cannot be told now, and any other error
   * where the provider did but it cannot be read.
   */
  receive(request: WebhookRequest): readonly ProviderEvent[] | Promise<readonly ProviderEvent[]>
}

/** The name under which providers keep a delivery's id. Its 20 characters are the most that Postmark takes. */
export const DELIVERY_KEY = 'carillon-delivery-id'

/** The mail's own header with the delivery's id, for providers that quote the headers of a mail in their webhooks. */
export const DELIVERY_HEADER = 'X-Carillon-Delivery'
