export const KEY_SCOPES = ['TRIGGER', 'OPERATE'] as const
export type KeyScope = (typeof KEY_SCOPES)[number]
/** What a credential allows. `RECIPIENT` comes with a recipient token alone. */
export type Scope = KeyScope | 'RECIPIENT'

/** Whose credential a request came with. */
export interface Principal {
  readonly tenantId: string
  readonly scopes: readonly Scope[]
  /** Set for a recipient token. */
  readonly recipientId: string | null
  /** When the credential ends; `null`: when it is revoked. */
  readonly expiresAt: Date | null
  /**
   * What may be ended before that, by its name: an API key by itself, the recipient tokens of a tenant together. `null`
   * where nothing can.
   */
  readonly grant: string | null
}
