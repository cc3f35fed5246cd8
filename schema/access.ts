import type { InboxKey } from '../server/core/cursor.ts'
import { idFault } from '../server/core/json-limits.ts'
import type { KeyScope } from '../server/core/principal.ts'
import { badInput, CarillonError } from '../server/errors.ts'
import type { Context } from './context.ts'

const NAMES: Record<KeyScope, string> = { TRIGGER: 'a key with scope TRIGGER', OPERATE: 'a key with scope OPERATE' }

const forbidden = (needed: string): CarillonError => new CarillonError('FORBIDDEN', `This needs ${needed}`)

/** Lets pass who has one of these scopes. */
export const allow = ({ principal }: Context, ...scopes: readonly KeyScope[]): void => {
  if (scopes.some((scope) => principal.scopes.includes(scope))) return
  throw forbidden(scopes.map((scope) => NAMES[scope]).join(' or '))
}

/** Whether the caller is a recipient's front end, which sees its own inbox and nothing behind it. */
export const isRecipient = ({ principal }: Context): boolean => principal.recipientId !== null

/**
 * Whom a call is about: a recipient token's own recipient, or the one that a key with one of these scopes names. A
 * recipient that names another one is told the same as about one that does not exist.
 */
export const subjectOf = (
  { principal }: Context,
  recipientId: string | null | undefined,
  { scopes, path }: { readonly scopes: readonly KeyScope[]; readonly path: readonly string[] },
): InboxKey => {
  const { tenantId } = principal
  const id = recipientId?.trim()
  if (principal.recipientId !== null) {
    if (id !== undefined && id !== principal.recipientId) {
      throw new CarillonError('FORBIDDEN', 'A recipient token is for its own recipient alone', { path })
    }
    return { tenantId, recipientId: principal.recipientId }
  }
  if (!scopes.some((scope) => principal.scopes.includes(scope))) {
    throw forbidden(`a recipient token, or ${scopes.map((scope) => NAMES[scope]).join(' or ')}`)
  }
  if (!id) throw badInput('Say whose: recipientId is missing', path)
  const fault = idFault(id, path)
  if (fault) throw badInput(`recipientId ${fault.message}`, fault.path)
  return { tenantId, recipientId: id }
}
