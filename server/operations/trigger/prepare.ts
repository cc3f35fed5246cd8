import { createHash } from 'node:crypto'
import { durationMs } from '../../core/duration.ts'
import { isBareRecipient, mergeRecipient, normaliseRecipients, type Recipient } from '../../core/recipient.ts'
import { markSecrets, type SecretEntry, splitSecrets } from '../../core/secret-fields.ts'
import { requestIdentity, type TriggerRequest, topicsOf } from '../../core/trigger-request.ts'
import { readTopicAudience, type SubscriberRow } from '../../db/sql/read-topic-audience.ts'
import { badInput, type InputPath } from '../../errors.ts'
import {
  channelsFor,
  digestFor,
  type GivenPayload,
  recipientsOf,
  renderIdentity,
  wholePayload,
} from '../../notifiers/invoke.ts'
import type { AnyDefinition } from '../../notifiers/notifier.ts'
import { secretPathsOf } from '../../notifiers/secret-paths.ts'
import { stepChannelsOf } from '../../notifiers/workflow.ts'
import type { Span } from '../../tracing.ts'
import type { Capabilities } from '../capabilities.ts'
import type { KnownRecipients } from '../recipients-known.ts'
import { renderContent } from '../render-content.ts'
import { type PreparedWorkflow, prepareWorkflow } from '../workflows/prepare.ts'
import { blaming, checkRecipients, checkRequest, definitionFor, type OccurrenceCall } from './check.ts'

/** One channel of one recipient, as the notifier's code says, before any rule was asked. */
export interface PreparedChannel {
  readonly channel: string
  readonly renderKey: string
  readonly renderVersion: number
  readonly needsAddress: boolean
  /** For a channel that is sent only if the notification stays unread: for how long it waits, in milliseconds. */
  readonly fallbackMs: number | null
  /** That the notifier wants it held for a digest, and its own key for that; `null` where it does not. */
  readonly digest: { readonly key: string | null } | null
  /** In-app content; `null` where it is made when it is sent, as for other channels, and for steps that come later. */
  readonly content: unknown
}

export interface PreparedRecipient {
  readonly recipientId: string
  /** The details that came with this trigger. */
  readonly given: Recipient
  /** Chosen ones; without those that a workflow's steps are sent on. */
  readonly channels: readonly PreparedChannel[]
  /** `null` where the notifier has none. */
  readonly workflow: PreparedWorkflow | null
}

/** Whether anything of a recipient may be held for a digest, a first step of its workflow too. */
export const asksForDigest = ({ channels, workflow }: PreparedRecipient): boolean =>
  [...channels, ...(workflow?.channels.values() ?? [])].some(({ digest }) => digest !== null)

/** A trigger with all of the host's code run: what is left is to decide and to write. */
export interface PreparedTrigger {
  readonly tenantId: string
  readonly request: TriggerRequest
  /** Where the request stands in the caller's input. */
  readonly path: InputPath
  readonly definition: AnyDefinition
  readonly fingerprint: Buffer
  /** What it would have been by each earlier key of the server: one where nothing is secret is the same by all. */
  readonly earlierFingerprints: readonly Buffer[]
  /** The payload with `null` for each secret field, and what was in their places. */
  readonly open: unknown
  readonly secrets: readonly SecretEntry[]
  /** Details that were given, to be stored. */
  readonly given: readonly Recipient[]
  /** Everyone concerned, in order of id; without the subscribers of `laterTopics`. */
  readonly recipientIds: readonly string[]
  /** Topics that are read when planning begins, which is not now. */
  readonly laterTopics: readonly string[]
  /** Each of them prepared; `null` where they are planned later: at `sendAt`, or because they are too many. */
  readonly recipients: readonly PreparedRecipient[] | null
  /** What it is answered within. */
  readonly span?: Span
}

/** More recipients than this are planned in chunks, by a job. */
export const MAX_PLANNED_AT_ONCE = 1_000

/** For how long a channel waits for the notification to be read; `null` where it is no fallback. */
export const fallbackMsOf = (definition: AnyDefinition, channel: string): number | null => {
  const after = definition.fallback?.[channel]?.after
  return after === undefined ? null : durationMs(after)
}

/** Asks the notifier's code about one recipient: which channels, and what the in-app content is. */
export const prepareRecipient = async (
  capabilities: Pick<Capabilities, 'contractOf' | 'needsAddress'>,
  definition: AnyDefinition,
  {
    payload,
    recipient,
    given,
  }: { readonly payload: GivenPayload; readonly recipient: Recipient; readonly given: Recipient },
): Promise<PreparedRecipient> => {
  const steps = stepChannelsOf(definition)
  const channels: PreparedChannel[] = []
  for (const channel of await channelsFor(definition, payload, recipient)) {
    const identity = renderIdentity(definition, channel)
    const content =
      channel === 'in_app' && !steps?.has(channel)
        ? (await renderContent(capabilities, definition, { channel, payload, recipient })).content
        : null
    channels.push({
      channel,
      renderKey: identity.key,
      renderVersion: identity.version,
      needsAddress: capabilities.needsAddress(channel),
      fallbackMs: fallbackMsOf(definition, channel),
      digest: await digestFor(definition, channel, { payload, recipient }),
      content,
    })
  }
  if (!steps) return { recipientId: recipient.id, given, channels, workflow: null }
  const workflow = await prepareWorkflow(capabilities, definition, { payload, recipient, channels })
  return { recipientId: recipient.id, given, channels: channels.filter(({ channel }) => !steps.has(channel)), workflow }
}

/** A request that has passed its checks, and whom it names; no database was asked. */
export interface CheckedTrigger {
  readonly definition: AnyDefinition
  readonly payload: GivenPayload
  readonly actorId: string | null
  readonly topics: readonly string[]
  /** Everyone whom the notifier and the caller name, in order of id. */
  readonly named: readonly Recipient[]
  /** Their ids in the order in which they were named, so that an error can say which one by the caller's own count. */
  readonly mentioned: readonly string[]
}

interface TriggerCall {
  readonly tenantId: string
  readonly request: TriggerRequest
  readonly path: InputPath
}

/** Checks a request, in the order of the checks, and asks the notifier whom it concerns. Errors name `path`. */
export const checkTrigger = async (capabilities: Capabilities, call: OccurrenceCall): Promise<CheckedTrigger> => {
  const { tenantId, request, path } = call
  const definition = definitionFor(capabilities, request.notificationKey, { path })
  await checkRequest(capabilities, definition, call)
  const payload = wholePayload(definition, request.payload)
  const found = await blaming(capabilities, { tenantId, definition }, () => recipientsOf(definition, payload))
  if (found) checkRecipients(found, [...path, 'payload'], `Notifier "${definition.key}": recipients`)
  if (!found && !request.recipients && !request.topics) {
    throw badInput(`Cannot trigger "${definition.key}": neither its notifier nor the request says who gets it`, [
      ...path,
      'recipients',
    ])
  }
  const union = [...(found ?? []), ...(request.recipients ?? [])]
  const actorId = request.actorId?.trim() ?? null
  return {
    definition,
    payload,
    actorId,
    topics: topicsOf(request),
    named: normaliseRecipients(union, actorId),
    mentioned: union.map(({ id }) => id.trim()),
  }
}

/** Those named and those subscribed, each once, in order of id; `null` where they are too many to be planned at once. */
const withSubscribers = async (
  { db }: Capabilities,
  tenantId: string,
  { named, topics, actorId }: CheckedTrigger,
): Promise<readonly Recipient[] | null> => {
  if (topics.length === 0) return named.length > MAX_PLANNED_AT_ONCE ? null : named
  const limit = MAX_PLANNED_AT_ONCE + 1
  const { rows } = await db.system.query<SubscriberRow>(readTopicAudience(tenantId, { topics, actorId, limit }))
  const all = normaliseRecipients([...named, ...rows.map((row) => ({ id: row.recipient_id }))], actorId)
  return all.length > MAX_PLANNED_AT_ONCE ? null : all
}

/** Prepares one recipient of a checked trigger; where the notifier's code fails, the error says for whom. */
export const prepareFor = (
  capabilities: Capabilities,
  { definition, mentioned }: CheckedTrigger,
  {
    tenantId,
    payload,
    given,
    stored,
  }: {
    readonly tenantId: string
    readonly payload: GivenPayload
    readonly given: Recipient
    readonly stored: Recipient | undefined
  },
): Promise<PreparedRecipient> => {
  const place = mentioned.indexOf(given.id)
  return blaming(capabilities, { tenantId, definition, recipient: place === -1 ? given.id : place }, () =>
    prepareRecipient(capabilities, definition, { payload, given, recipient: mergeRecipient(stored, given) }),
  )
}

/** Checks a request and runs the notifier's code for it. Writes nothing but missing inboxes. Errors name `path`. */
export const prepareTrigger = async (
  capabilities: Capabilities,
  known: KnownRecipients,
  call: TriggerCall,
): Promise<PreparedTrigger> => {
  const { tenantId, request, path } = call
  const checked = await checkTrigger(capabilities, call)
  const { definition, named, actorId } = checked
  const paths = secretPathsOf(definition)
  const { mark, earlierMarks } = capabilities.sealing
  const recipientsGiven = request.recipients ? normaliseRecipients(request.recipients, actorId) : null
  const fingerprintBy = (one: typeof mark): Buffer => {
    const payload = markSecrets(paths, request.payload, one)
    return createHash('sha256')
      .update(requestIdentity({ ...request, payload }, recipientsGiven))
      .digest()
  }
  const scheduled = request.sendAt != null && request.sendAt > (capabilities.clock.now() ?? new Date())
  const all = scheduled ? null : await withSubscribers(capabilities, tenantId, checked)
  const prepared = {
    tenantId,
    request,
    path,
    definition,
    fingerprint: fingerprintBy(mark),
    earlierFingerprints: paths.length === 0 ? [] : earlierMarks.map(fingerprintBy),
    ...splitSecrets(paths, request.payload),
    given: named.filter((recipient) => !isBareRecipient(recipient)),
    recipientIds: (all ?? named).map(({ id }) => id),
    laterTopics: all ? [] : checked.topics,
  }
  if (!all) return { ...prepared, recipients: null }

  const { payload } = checked
  const stored = await known.load(tenantId, prepared.recipientIds)
  const recipients: PreparedRecipient[] = []
  for (const given of all) {
    recipients.push(await prepareFor(capabilities, checked, { tenantId, payload, given, stored: stored.get(given.id) }))
  }
  return { ...prepared, recipients }
}
