import type { InputPath } from '../errors.ts'
import { canonicalJson } from './canonical-json.ts'
import { type InputFault, idFault, jsonFault, MAX_PAYLOAD_BYTES, textFault } from './json-limits.ts'
import { MAX_ADDRESSES, type Recipient } from './recipient.ts'
import { isTimeZone } from './zoned-time.ts'

/** How many recipients a caller may name in one trigger. */
export const MAX_INLINE_RECIPIENTS = 1_000
/** How many topics a caller may name in one trigger. */
export const MAX_TOPICS = 100

/** Something that happened and whom it concerns, as a caller says it: to trigger it, or to ask what that would do. */
export interface Occurrence {
  readonly notificationKey: string
  readonly payload: unknown
  readonly recipients?: readonly Recipient[] | null
  /** Everyone subscribed to these when the event is planned. */
  readonly topics?: readonly string[] | null
  readonly actorId?: string | null
}

/** One trigger as a caller asks for it. */
export interface TriggerRequest extends Occurrence {
  readonly idempotencyKey: string
  readonly correlationId?: string | null
  /** Planned at this instant instead of now. */
  readonly sendAt?: Date | null
  /** What has not been handed over by then is dropped. */
  readonly expiresAt?: Date | null
}

const isLocale = (locale: string): boolean => {
  try {
    return Intl.getCanonicalLocales(locale).length === 1
  } catch {
    return false
  }
}

const MAX_DETAIL_LENGTH = 2_000
/** An address is part of an index, whose rows have an end: with the longest ids beside it, this is what fits. */
const MAX_ADDRESS_BYTES = 1_024

const DETAILS = ['type', 'displayName', 'email', 'phone', 'timeZone', 'locale'] as const

const detailFault = (text: unknown, path: InputPath): InputFault | null => {
  if (text === undefined || text === null) return null
  if (typeof text !== 'string') return { path, message: 'must be text' }
  if (text.length > MAX_DETAIL_LENGTH) return { path, message: `is longer than ${MAX_DETAIL_LENGTH} characters` }
  return textFault(text, path)
}

/** What keeps an address from being stored; `null` where nothing does. */
export const addressFault = (
  entry: { readonly channel?: unknown; readonly address?: unknown },
  path: InputPath,
): InputFault | null => {
  const { channel, address } = entry ?? {}
  if (typeof channel !== 'string') return { path: [...path, 'channel'], message: 'must be text' }
  if (typeof address !== 'string') return { path: [...path, 'address'], message: 'must be text' }
  const fault = idFault(channel, [...path, 'channel']) ?? textFault(address, [...path, 'address'])
  if (fault) return fault
  if (address.trim() === '') return { path: [...path, 'address'], message: 'is blank' }
  return Buffer.byteLength(address) > MAX_ADDRESS_BYTES
    ? { path: [...path, 'address'], message: `is longer than ${MAX_ADDRESS_BYTES} bytes` }
    : null
}

const addressesFault = (addresses: unknown, path: InputPath): InputFault | null => {
  if (addresses === undefined || addresses === null) return null
  if (!Array.isArray(addresses)) return { path, message: 'must be a list' }
  if (addresses.length > MAX_ADDRESSES) return { path, message: `holds more than ${MAX_ADDRESSES}` }
  return addresses.reduce<InputFault | null>(
    (fault, entry, index) => fault ?? addressFault(entry, [...path, index]),
    null,
  )
}

/**
 * The first thing in a recipient's details that cannot be stored or used; `null` where there is none. A host's own code
 * names recipients too, so nothing is taken for granted.
 */
export const recipientFault = (recipient: Recipient, path: InputPath): InputFault | null => {
  if (typeof recipient?.id !== 'string') return { path: [...path, 'id'], message: 'must be text' }
  const { id, type, timeZone, locale, data, addresses } = recipient
  const fault =
    idFault(id, [...path, 'id']) ??
    DETAILS.reduce<InputFault | null>((fault, name) => fault ?? detailFault(recipient[name], [...path, name]), null)
  if (fault) return fault
  if (type !== undefined && (type === null || type.trim() === ''))
    return { path: [...path, 'type'], message: 'is blank' }
  if (timeZone != null && !isTimeZone(timeZone))
    return { path: [...path, 'timeZone'], message: 'is not an IANA time zone name' }
  if (locale != null && !isLocale(locale)) return { path: [...path, 'locale'], message: 'is not a BCP 47 tag' }
  return (
    (data === undefined ? null : payloadFault(data, [...path, 'data'])) ??
    addressesFault(addresses, [...path, 'addresses'])
  )
}

/** What keeps a payload, or other JSON of a host's, from being stored; `null` where nothing does. */
export const payloadFault = (payload: unknown, path: InputPath): InputFault | null => {
  const fault = jsonFault(payload, path)
  if (fault) return fault
  const bytes = Buffer.byteLength(JSON.stringify(payload ?? null))
  return bytes > MAX_PAYLOAD_BYTES ? { path, message: `is larger than ${MAX_PAYLOAD_BYTES / 1024} KiB` } : null
}

/** What the keys of digests begin with: one of a caller's own would keep a digest from being sent. */
export const DIGEST_KEY_PREFIX = 'digest-bucket:'

const idempotencyKeyFault = (key: string, path: InputPath): InputFault | null =>
  key.startsWith(DIGEST_KEY_PREFIX)
    ? { path, message: `begins with "${DIGEST_KEY_PREFIX}", which is for digests` }
    : idFault(key, path)

/** The first of a request's own ids that cannot be one; `null` where there is none. */
export const requestIdFault = (
  { idempotencyKey, actorId, correlationId }: Partial<TriggerRequest>,
  path: InputPath,
): InputFault | null =>
  (idempotencyKey === undefined ? null : idempotencyKeyFault(idempotencyKey, [...path, 'idempotencyKey'])) ??
  (actorId == null ? null : idFault(actorId, [...path, 'actorId'])) ??
  (correlationId == null ? null : idFault(correlationId, [...path, 'correlationId']))

/** A request's topics: trimmed, each once, in order. */
export const topicsOf = ({ topics }: Pick<TriggerRequest, 'topics'>): readonly string[] =>
  [...new Set((topics ?? []).map((topic) => topic.trim()))].sort()

/** The first of a request's topics that cannot be one; `null` where there is none. */
export const topicsFault = (topics: readonly string[], path: InputPath): InputFault | null => {
  if (topics.length > MAX_TOPICS) return { path, message: `holds more than ${MAX_TOPICS}` }
  return topics.reduce<InputFault | null>((fault, topic, index) => fault ?? idFault(topic, [...path, index]), null)
}

/**
 * What makes two requests the same one: their canonical JSON as given. The correlation id is no part of it. What was
 * not given is left out, so that a key outlives the version of the server that first saw it.
 */
export const requestIdentity = (request: TriggerRequest, recipients: readonly Recipient[] | null): string =>
  canonicalJson({
    notificationKey: request.notificationKey,
    payload: request.payload,
    actorId: request.actorId ?? null,
    recipients,
    ...(request.topics && { topics: topicsOf(request) }),
    ...(request.sendAt && { sendAt: request.sendAt.toISOString() }),
    ...(request.expiresAt && { expiresAt: request.expiresAt.toISOString() }),
  })
