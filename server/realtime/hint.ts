import type { InboxKey } from '../core/cursor.ts'
import type { DeliveryKey } from '../core/delivery.ts'

/** By tenant and by what is its own. */
type Name = readonly [tenantId: string, id: string]

/** What one process tells the others, as it travels. */
export interface Hint {
  /** Who says so: it has told itself already. */
  readonly from: string
  readonly inboxes?: readonly Name[] | 'all'
  readonly deliveries?: readonly Name[]
  readonly work?: true
  readonly tailed?: true
}

/** What is to be told, gathered. */
export interface Gathered {
  readonly inboxes: readonly InboxKey[]
  readonly deliveries: readonly DeliveryKey[]
  readonly work: boolean
  readonly tailed: boolean
}

/** With more inboxes than this in one flush the hint says "all": reading them costs less than naming them. */
const MAX_NAMED_INBOXES = 2_000
/** The newest are named. Whoever follows deliveries is not promised all of them. */
const MAX_NAMED_DELIVERIES = 1_000
/** For what stands around the names. */
const ENVELOPE_BYTES = 100

const areNames = (given: unknown): given is readonly Name[] =>
  Array.isArray(given) && given.every((name) => Array.isArray(name))

/** Anyone with an account on the carrier may speak: what is no hint is `null`, and not acted on. */
export const understand = (payload: string): Hint | null => {
  try {
    const { from, inboxes, deliveries, work, tailed } = JSON.parse(payload) as Hint
    const understood =
      (inboxes === undefined || inboxes === 'all' || areNames(inboxes)) &&
      (deliveries === undefined || areNames(deliveries))
    if (!understood) return null
    return {
      from,
      ...(inboxes && { inboxes }),
      ...(deliveries && { deliveries }),
      ...(work && { work }),
      ...(tailed && { tailed }),
    }
  } catch {
    return null
  }
}

const partsOf = (names: readonly Name[], maxBytes: number): (readonly Name[])[] => {
  const parts: Name[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const name of names) {
    const size = Buffer.byteLength(JSON.stringify(name)) + 1
    if (bytes + size > maxBytes - ENVELOPE_BYTES) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)?.push(name)
    bytes += size
  }
  return parts
}

/** Cuts what is to be told into payloads of at most so many bytes each. */
export const packHints = (
  from: string,
  { inboxes, deliveries, work, tailed }: Gathered,
  maxBytes: number,
): readonly string[] => {
  const hints: Hint[] = []
  if (inboxes.length > MAX_NAMED_INBOXES) hints.push({ from, inboxes: 'all' })
  else {
    const names = inboxes.map(({ tenantId, recipientId }): Name => [tenantId, recipientId])
    hints.push(...partsOf(names, maxBytes).map((part) => ({ from, inboxes: part })))
  }
  const changed = deliveries.slice(-MAX_NAMED_DELIVERIES).map(({ tenantId, id }): Name => [tenantId, id])
  hints.push(...partsOf(changed, maxBytes).map((part) => ({ from, deliveries: part })))
  if (work) hints.push({ from, work: true })
  if (tailed) hints.push({ from, tailed: true })
  return hints.map((hint) => JSON.stringify(hint))
}
