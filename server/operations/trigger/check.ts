import type { z } from 'zod'
import type { InputFault } from '../../core/json-limits.ts'
import { idFault } from '../../core/json-limits.ts'
import type { Recipient } from '../../core/recipient.ts'
import { type SecretPath, secretDepth, secretValues, secretWords } from '../../core/secret-fields.ts'
import { quotesSecret } from '../../core/secret-words.ts'
import {
  MAX_INLINE_RECIPIENTS,
  type Occurrence,
  payloadFault,
  recipientFault,
  requestIdFault,
  type TriggerRequest,
  topicsFault,
} from '../../core/trigger-request.ts'
import { badInput, CarillonError, type InputPath } from '../../errors.ts'
import { NotifierError, parsePayload } from '../../notifiers/invoke.ts'
import type { AnyDefinition } from '../../notifiers/notifier.ts'
import { secretPathsOf } from '../../notifiers/secret-paths.ts'
import type { Capabilities } from '../capabilities.ts'

/** Something that happened, triggered or merely thought of, and where it stands in the caller's input; errors name that. */
export interface OccurrenceCall {
  readonly tenantId: string
  /** Of a trigger all of it; a simulation has neither a key nor instants. */
  readonly request: Occurrence & Partial<TriggerRequest>
  readonly path: InputPath
}

/** Runs the host's code; where it fails, the caller is told which notifier and recipient, and the log is told why. */
export const blaming = async <T>(
  { telemetry }: Capabilities,
  {
    tenantId,
    definition,
    recipient,
  }: { readonly tenantId: string; readonly definition: AnyDefinition; readonly recipient?: number | string },
  call: () => Promise<T>,
): Promise<T> => {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof NotifierError)) throw error
    telemetry.emit('notifier.failed', { tenantId, notificationKey: definition.key, error })
    const whom = recipient === undefined ? '' : ` (recipient ${JSON.stringify(recipient)})`
    throw new CarillonError('INTERNAL', `${error.message}${whom}`)
  }
}

/** What cannot be done where a check fails; it begins the message. */
type Intent = 'trigger' | 'preview'

/** The notifier that a caller names. */
export const definitionFor = (
  { notifiers }: Capabilities,
  notificationKey: string,
  { path, intent = 'trigger' }: { readonly path: InputPath; readonly intent?: Intent },
): AnyDefinition => {
  const keyPath = [...path, 'notificationKey']
  // An empty one is merely unknown.
  const fault = notificationKey === '' ? null : idFault(notificationKey, keyPath)
  if (fault) throw badInput(`Cannot ${intent}: notificationKey ${fault.message}`, fault.path)
  const definition = notifiers.get(notificationKey)
  if (definition) return definition
  throw new CarillonError('NOTIFIER_NOT_FOUND', `There is no notifier "${notificationKey}"`, { path: keyPath })
}

/** Says what is wrong with a part of the input at `path`, where something is. */
export const refuse = (
  definition: AnyDefinition,
  fault: InputFault | null,
  { path, intent = 'trigger' }: { readonly path: InputPath; readonly intent?: Intent },
): void => {
  if (!fault) return
  const field = fault.path.slice(path.length).join('.')
  throw badInput(`Cannot ${intent} "${definition.key}": ${field} ${fault.message}`, fault.path)
}

/** A path without the names inside a secret field: they are part of its value. */
const upToSecret = (secrets: readonly SecretPath[], path: InputPath, from = 0): InputPath => {
  const depth = secretDepth(secrets, path.slice(from))
  return depth === null ? path : path.slice(0, from + depth)
}

const NOT_TOLD = 'does not fit; how is not told, since that may quote a secret field'

/** What is wrong with a payload, without its secret values: a message may quote the value it is about, or another one. */
const shownIssues = (definition: AnyDefinition, payload: unknown, { issues }: z.ZodError) => {
  const paths = secretPathsOf(definition)
  const words = secretWords(secretValues(paths, payload))
  return issues.map((issue) => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
    const hidden = secretDepth(paths, path) !== null || quotesSecret(issue.message, words)
    return { path: upToSecret(paths, path), message: hidden ? NOT_TOLD : issue.message }
  })
}

/** Refuses a payload that could not be stored, or does not fit the notifier's schema. */
export const checkPayload = async (
  capabilities: Capabilities,
  definition: AnyDefinition,
  {
    tenantId,
    payload,
    path,
    intent = 'trigger',
  }: { readonly tenantId: string; readonly payload: unknown; readonly path: InputPath; readonly intent?: Intent },
): Promise<void> => {
  const at = { path, intent }
  const payloadPath = [...path, 'payload']
  if (payload === null) {
    refuse(definition, { path: payloadPath, message: 'is null; leave it out where there is none' }, at)
  }
  const secrets = secretPathsOf(definition)
  const fault = payloadFault(payload, payloadPath)
  refuse(definition, fault && { ...fault, path: upToSecret(secrets, fault.path, payloadPath.length) }, at)
  const parsed = await blaming(capabilities, { tenantId, definition }, () => parsePayload(definition, payload))
  if (parsed.success) return
  const issues = shownIssues(definition, payload, parsed.error)
  const message = `Cannot ${intent} "${definition.key}": the payload does not fit its schema`
  throw new CarillonError('INVALID_PAYLOAD', message, { path: payloadPath, issues })
}

/** Refuses recipients that could not be stored or used; `subject` begins the message. */
export const checkRecipients = (recipients: readonly Recipient[], path: InputPath, subject: string): void => {
  for (const [index, recipient] of recipients.entries()) {
    const fault = recipientFault(recipient, [...path, index])
    if (fault) {
      const field = fault.path.slice(path.length + 1).join('.')
      throw badInput(`${subject}: ${field} of recipient ${index} ${fault.message}`, fault.path)
    }
  }
}

/** Asks everything of a request that can be asked before the notifier's own code runs, in the order of the checks. */
export const checkRequest = async (
  capabilities: Capabilities,
  definition: AnyDefinition,
  { tenantId, request, path }: OccurrenceCall,
): Promise<void> => {
  const at = { path }
  await checkPayload(capabilities, definition, { tenantId, payload: request.payload, path })
  const recipients = request.recipients ?? []
  const recipientsPath = [...path, 'recipients']
  if (recipients.length > MAX_INLINE_RECIPIENTS) {
    refuse(definition, { path: recipientsPath, message: `holds more than ${MAX_INLINE_RECIPIENTS}` }, at)
  }
  checkRecipients(recipients, recipientsPath, `Cannot trigger "${definition.key}"`)
  refuse(definition, topicsFault(request.topics ?? [], [...path, 'topics']), at)
  refuse(definition, requestIdFault(request, path), at)
  if (request.sendAt && request.expiresAt && request.expiresAt <= request.sendAt) {
    refuse(definition, { path: [...path, 'expiresAt'], message: 'is not after sendAt' }, at)
  }
}
