import type { Place } from '../route.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether a text is the bare id of a row, as it stands in logs and in the database. */
export const isUuid = (text: string): boolean => UUID.test(text)

/** The opaque id that the API gives a row of this type. */
export const nodeId = (type: string, uuid: string): string =>
  btoa(`${type}:${uuid.toLowerCase()}`)
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/={1,2}$/, '')

/** The type that an opaque id names; `null` where the text is none. */
export const typeOfNodeId = (text: string): string | null => {
  if (!/^[A-Za-z0-9_-]{12,}$/.test(text)) return null
  try {
    return /^([A-Z][A-Za-z]+):./.exec(atob(text.replaceAll('-', '+').replaceAll('_', '/')))?.[1] ?? null
  } catch {
    return null
  }
}

/** Where things of a type are shown. */
export const PLACE_OF: Readonly<Record<string, Place>> = {
  Delivery: 'delivery',
  Event: 'event',
  DigestBucket: 'bucket',
  WorkflowRun: 'run',
}
