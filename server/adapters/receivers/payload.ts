import type { ProviderEvent } from '../adapter.ts'

/** How many events one webhook may hold. */
export const MAX_EVENTS = 1_000

export type Fields = Readonly<Record<string, unknown>>

// Fatal: other bytes would all become U+FFFD, and different bodies would read the same.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A body as text; throws where it is not UTF-8. */
export const textIn = (rawBody: Uint8Array): string => {
  try {
    return UTF8.decode(rawBody)
  } catch {
    throw new Error('the body is not UTF-8')
  }
}

/** A text as JSON; throws where it is none, without quoting it as `JSON.parse` would. */
export const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('the body is not JSON')
  }
}

/** The fields of an object; `null` for anything else. */
export const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null

/** The JSON object that a body is; throws where it is something else. */
export const objectIn = (rawBody: Uint8Array): Fields => {
  const fields = fieldsOf(jsonIn(textIn(rawBody)))
  if (!fields) throw new Error('the body is not a JSON object')
  return fields
}

/** The name of what happened, which every provider's webhook has; throws where it has none. */
export const kindIn = (fields: Fields, field: string): string => {
  const kind = fields[field]
  if (typeof kind !== 'string') throw new Error(`the body has no \`${field}\``)
  return kind
}

/** An id that can be stored and compared; `undefined` for anything else, such as a number or a text with a line break. */
export const idIn = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\x20-\x7e]{1,255}$/.test(value) ? value : undefined

/** The value of a header among `{ name, value }` pairs, as providers quote them. */
export const headerIn = (headers: unknown, name: string): unknown => {
  if (!Array.isArray(headers)) return undefined
  const wanted = name.toLowerCase()
  const found = headers.map(fieldsOf).find((header) => String(header?.name).toLowerCase() === wanted)
  return found?.value
}

/** An event with those of its ids that can be used. */
export const providerEvent = (
  status: ProviderEvent['status'],
  ids: { readonly providerEventId?: unknown; readonly deliveryId?: unknown; readonly providerMessageId?: unknown },
): ProviderEvent => {
  const providerEventId = idIn(ids.providerEventId)
  const deliveryId = idIn(ids.deliveryId)
  const providerMessageId = idIn(ids.providerMessageId)
  return {
    status,
    ...(providerEventId && { providerEventId }),
    ...(deliveryId && { deliveryId }),
    ...(providerMessageId && { providerMessageId }),
  }
}

/** The events of a batch; throws where there are more than 1,000. */
export const withinBatch = (events: readonly ProviderEvent[]): readonly ProviderEvent[] => {
  if (events.length > MAX_EVENTS) throw new Error(`the body holds more than ${MAX_EVENTS} events`)
  return events
}
