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
}
