import { createHash } from 'node:crypto'
import { type InputFault, idFault, jsonFault } from '../../core/json-limits.ts'
import {
  addressesFor,
  isBareRecipient,
  mergeRecipient,
  normaliseRecipients,
  type Recipient,
} from '../../core/recipient.ts'
import {
  MAX_INLINE_RECIPIENTS,
  payloadFault,
  recipientFault,
  requestIdentity,
  requestIdFault,
  type TriggerRequest,
} from '../../core/trigger-request.ts'
import { badInput, CarillonError, type InputPath } from '../../errors.ts'
import {
  channelsFor,
  NotifierError,
  parsePayload,
  recipientsOf,
  render,
  renderIdentity,
} from '../../notifiers/invoke.ts'
import type { AnyDefinition } from '../../notifiers/notifier.ts'
import type { Capabilities } from '../capabilities.ts'
import type { KnownRecipients } from '../recipients-known.ts'

/** One channel of one recipient, as the notifier's code says, before any rule was asked. */
export interface PreparedChannel {
  readonly channel: string
  readonly renderKey: string
  readonly renderVersion: number
  readonly needsAddress: boolean
  readonly addressCount: number
  /** In-app content; `null` for other channels, whose content is made when they are sent. */
  readonly content: unknown
}

export interface PreparedRecipient {
  readonly recipientId: string
  readonly channels: readonly PreparedChannel[]
}

/** A trigger with all of the host's code run: what is left is to decide and to write. */
export interface PreparedTrigger {
  readonly tenantId: string
  readonly request: TriggerRequest
  readonly definition: AnyDefinition
  readonly fingerprint: Buffer
  /** Details that were given, to be stored. */
  readonly given: readonly Recipient[]
  /** Everyone concerned, in order of id. */
  readonly recipientIds: readonly string[]
  /** Each of them prepared; `null` where there are too many for one transaction. */
  readonly recipients: readonly PreparedRecipient[] | null
}

/** More recipients than this are planned in chunks, by a job. */
export const MAX_PLANNED_AT_ONCE = 1_000

/** Asks the notifier's code about one recipient: which channels, and what the in-app content is. */
export const prepareRecipient = async (
  { contractOf, needsAddress }: Pick<Capabilities, 'contractOf' | 'needsAddress'>,
  definition: AnyDefinition,
  { payload, recipient }: { readonly payload: unknown; readonly recipient: Recipient },
): Promise<PreparedRecipient> => {
  const channels: PreparedChannel[] = []
  for (const channel of await channelsFor(definition, payload, recipient)) {
    const identity = renderIdentity(definition, channel)
    let content: unknown = null
    if (channel === 'in_app') {
      content = await render(definition, { channel, payload, recipient, contract: contractOf(channel) })
      const fault = jsonFault(content, [])
      if (fault)
        throw new NotifierError(
          definition,
          'render.in_app',
          `returned content that cannot be stored: it ${fault.message}`,
        )
    }
    channels.push({
      channel,
      renderKey: identity.key,
      renderVersion: identity.version,
      needsAddress: needsAddress(channel),
      addressCount: addressesFor(recipient, channel).length,
      content,
    })
  }
  return { recipientId: recipient.id, channels }
}

const checkRecipients = (recipients: readonly Recipient[], path: InputPath, subject: string): void => {
  for (const [index, recipient] of recipients.entries()) {
    const fault = recipientFault(recipient, [...path, index])
    if (fault) {
      const field = fault.path.slice(path.length + 1).join('.')
      throw badInput(`${subject}: ${field} of recipient ${index} ${fault.message}`, fault.path)
    }
  }
}

/** The notifier that a request names. */
const definitionFor = ({ notifiers }: Capabilities, { notificationKey }: TriggerRequest, path: InputPath) => {
  const keyPath = [...path, 'notificationKey']
  // An empty one is merely unknown.
  const fault = notificationKey === '' ? null : idFault(notificationKey, keyPath)
  if (fault) throw badInput(`Cannot trigger: notificationKey ${fault.message}`, fault.path)
  const definition = notifiers.get(notificationKey)
  if (definition) return definition
  throw new CarillonError('NOTIFIER_NOT_FOUND', `There is no notifier "${notificationKey}"`, { path: keyPath })
}

/** Asks everything of a request that can be asked before the notifier's own code runs, in the order of the checks. */
const checkRequest = async (
  capabilities: Capabilities,
  definition: AnyDefinition,
  {
    tenantId,
    request,
    path,
  }: { readonly tenantId: string; readonly request: TriggerRequest; readonly path: InputPath },
): Promise<void> => {
  const subject = `Cannot trigger "${definition.key}"`
  const refuse = (fault: InputFault | null): void => {
    if (fault) throw badInput(`${subject}: ${fault.path.slice(path.length).join('.')} ${fault.message}`, fault.path)
  }
  const payloadPath = [...path, 'payload']
  if (request.payload === null) refuse({ path: payloadPath, message: 'is null; leave it out where there is none' })
  refuse(payloadFault(request.payload, payloadPath))
  const parsed = await blaming(capabilities, { tenantId, definition }, () => parsePayload(definition, request.payload))
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({
      path: issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part)),
      message: issue.message,
    }))
    const message = `${subject}: the payload does not fit its schema`
    throw new CarillonError('INVALID_PAYLOAD', message, { path: payloadPath, issues })
  }
  const recipients = request.recipients ?? []
  const recipientsPath = [...path, 'recipients']
  if (recipients.length > MAX_INLINE_RECIPIENTS) {
    refuse({ path: recipientsPath, message: `holds more than ${MAX_INLINE_RECIPIENTS}` })
  }
  checkRecipients(recipients, recipientsPath, subject)
  refuse(requestIdFault(request, path))
}

/** Checks a request and runs the notifier's code for it. Writes nothing but missing inboxes. Errors name `path`. */
export const prepareTrigger = async (
  capabilities: Capabilities,
  known: KnownRecipients,
  {
    tenantId,
    request,
    path,
  }: { readonly tenantId: string; readonly request: TriggerRequest; readonly path: InputPath },
): Promise<PreparedTrigger> => {
  const definition = definitionFor(capabilities, request, path)
  await checkRequest(capabilities, definition, { tenantId, request, path })
  const { given, all, mentioned } = await audience(capabilities, definition, { tenantId, request, path })
  const actorId = request.actorId?.trim() ?? null
  const prepared = {
    tenantId,
    request,
    definition,
    fingerprint: createHash('sha256')
      .update(requestIdentity(request, request.recipients ? normaliseRecipients(request.recipients, actorId) : null))
      .digest(),
    given,
    recipientIds: all.map(({ id }) => id),
  }
  if (all.length > MAX_PLANNED_AT_ONCE) return { ...prepared, recipients: null }

  const stored = await known.load(tenantId, prepared.recipientIds)
  const recipients: PreparedRecipient[] = []
  for (const recipient of all) {
    const merged = mergeRecipient(stored.get(recipient.id), recipient)
    recipients.push(
      await blaming(capabilities, { tenantId, definition, recipient: mentioned.indexOf(recipient.id) }, () =>
        prepareRecipient(capabilities, definition, { payload: request.payload, recipient: merged }),
      ),
    )
  }
  return { ...prepared, recipients }
}

/** Everyone concerned: whom the notifier names, then whom the caller names; the first mention of an id wins. */
const audience = async (
  capabilities: Capabilities,
  definition: AnyDefinition,
  {
    tenantId,
    request,
    path,
  }: { readonly tenantId: string; readonly request: TriggerRequest; readonly path: InputPath },
) => {
  const named = await blaming(capabilities, { tenantId, definition }, () => recipientsOf(definition, request.payload))
  if (named) checkRecipients(named, [...path, 'payload'], `Notifier "${definition.key}": recipients`)
  if (!named && !request.recipients) {
    throw badInput(`Cannot trigger "${definition.key}": neither its notifier nor the request says who gets it`, [
      ...path,
      'recipients',
    ])
  }
  const union = [...(named ?? []), ...(request.recipients ?? [])]
  const all = normaliseRecipients(union, request.actorId?.trim() ?? null)
  return {
    all,
    given: all.filter((recipient) => !isBareRecipient(recipient)),
    /** In the order in which they were named, so that an error can say which one by the caller's own count. */
    mentioned: union.map(({ id }) => id.trim()),
  }
}

/** Runs the host's code; where it fails, the caller is told which notifier and recipient, and the log is told why. */
const blaming = async <T>(
  { telemetry }: Capabilities,
  {
    tenantId,
    definition,
    recipient,
  }: { readonly tenantId: string; readonly definition: AnyDefinition; readonly recipient?: number },
  call: () => Promise<T>,
): Promise<T> => {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof NotifierError)) throw error
    telemetry.emit('notifier.failed', { tenantId, notificationKey: definition.key, error })
    const whom = recipient === undefined ? '' : ` (recipient ${recipient})`
    throw new CarillonError('INTERNAL', `${error.message}${whom}`)
  }
}
