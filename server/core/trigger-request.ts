import type { InputPath } from '../errors.ts'
import { canonicalJson } from './canonical-json.ts'
import { type InputFault, jsonFault, MAX_ID_LENGTH, MAX_PAYLOAD_BYTES, textFault } from './json-limits.ts'
import type { Recipient } from './recipient.ts'

/** How many recipients a caller may name in one trigger. */
export const MAX_INLINE_RECIPIENTS = 1_000

/** One trigger as a caller asks for it. */
export interface TriggerRequest {
  readonly notificationKey: string
  readonly payload: unknown
  readonly idempotencyKey: string
  readonly recipients?: readonly Recipient[] | null
  readonly actorId?: string | null
  readonly correlationId?: string | null
}

const idFault = (id: string, path: InputPath): InputFault | null => {
  if (id.trim() === '') return { path, message: 'is blank' }
  if (id.length > MAX_ID_LENGTH) return { path, message: `is longer than ${MAX_ID_LENGTH} characters` }
  return textFault(id, path)
}

const isZone = (zone: string): boolean => {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch {
    return false
  }
}

const isLocale = (locale: string): boolean => {
  try {
    return Intl.getCanonicalLocales(locale).length === 1
  } catch {
    return false
  }
}

const MAX_DETAIL_LENGTH = 2_000

const detailFault = (text: unknown, path: InputPath): InputFault | null => {
  if (text === undefined || text === null) return null
  if (typeof text !== 'string') return { path, message: 'must be text' }
  if (text.length > MAX_DETAIL_LENGTH) return { path, message: `is longer than ${MAX_DETAIL_LENGTH} characters` }
  return textFault(text, path)
}

/** The first thing in a recipient's details that cannot be stored or used; `null` where there is none. */
export const recipientFault = (recipient: Recipient, path: InputPath): InputFault | null => {
  if (typeof recipient?.id !== 'string') return { path: [...path, 'id'], message: 'must be text' }
  const { timeZone, locale, type } = recipient
  if (type !== undefined && (type === null || type.trim() === ''))
    return { path: [...path, 'type'], message: 'is blank' }
  if (typeof timeZone === 'string' && !isZone(timeZone)) {
    return { path: [...path, 'timeZone'], message: 'is not an IANA time zone name' }
  }
  if (typeof locale === 'string' && !isLocale(locale)) {
    return { path: [...path, 'locale'], message: 'is not a BCP 47 tag' }
  }
  const details = ['type', 'displayName', 'email', 'phone', 'timeZone', 'locale'] as const
  return (
    idFault(recipient.id, [...path, 'id']) ??
    details.reduce<InputFault | null>((fault, name) => fault ?? detailFault(recipient[name], [...path, name]), null) ??
    (recipient.data === undefined ? null : payloadSizeFault(recipient.data, [...path, 'data'])) ??
    (recipient.addresses ?? []).reduce<InputFault | null>(
      (fault, { channel, address }, index) =>
        fault ??
        idFault(channel, [...path, 'addresses', index, 'channel']) ??
        (address.trim() === '' ? { path: [...path, 'addresses', index, 'address'], message: 'is blank' } : null) ??
        detailFault(address, [...path, 'addresses', index, 'address']),
      null,
    )
  )
}

const payloadSizeFault = (payload: unknown, path: InputPath): InputFault | null => {
  const fault = jsonFault(payload, path)
  if (fault) return fault
  const bytes = Buffer.byteLength(JSON.stringify(payload ?? null))
  return bytes > MAX_PAYLOAD_BYTES ? { path, message: `is larger than ${MAX_PAYLOAD_BYTES / 1024} KiB` } : null
}

/** The first thing in a request, its recipients' details aside, that can be refused as it stands; `null` where there is none. */
export const requestFault = (request: TriggerRequest, path: InputPath): InputFault | null => {
  const { idempotencyKey, payload, recipients, actorId, correlationId } = request
  if (recipients && recipients.length > MAX_INLINE_RECIPIENTS) {
    return { path: [...path, 'recipients'], message: `holds more than ${MAX_INLINE_RECIPIENTS}` }
  }
  return (
    idFault(idempotencyKey, [...path, 'idempotencyKey']) ??
    (actorId == null ? null : idFault(actorId, [...path, 'actorId'])) ??
    (correlationId == null ? null : idFault(correlationId, [...path, 'correlationId'])) ??
    payloadSizeFault(payload, [...path, 'payload'])
  )
}

/** What makes two requests the same one: their canonical JSON as given. The correlation id is no part of it. */
export const requestIdentity = (
  { notificationKey, payload, actorId }: TriggerRequest,
  recipients: readonly Recipient[] | null,
): string => canonicalJson({ notificationKey, payload, actorId: actorId ?? null, recipients })
