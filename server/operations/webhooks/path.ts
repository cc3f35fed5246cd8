/** Whose webhooks, and of which adapter. */
export interface WebhookAddress {
  readonly tenantId: string
  /** The adapter's name. */
  readonly adapter: string
}

/** Where an adapter's provider reports. */
export const webhookPath = (tenantId: string, adapter: string): string =>
  `/webhooks/${encodeURIComponent(tenantId)}/${encodeURIComponent(adapter)}`

/** What a path is the address of; `null` where it is none. */
export const webhookAddressIn = (path: string): WebhookAddress | null => {
  const [, tenantId, adapter] = /^\/webhooks\/([^/]+)\/([^/]+)$/.exec(path) ?? []
  if (tenantId === undefined || adapter === undefined) return null
  try {
    return { tenantId: decodeURIComponent(tenantId), adapter: decodeURIComponent(adapter) }
  } catch {
    // Half of a percent sign: nobody is called that.
    return { tenantId: '', adapter: '' }
  }
}
