import type { InputPath } from '../errors.ts'

/** How deep a payload may be nested. Deeper JSON can be parsed, but overflows whatever walks it later. */
export const MAX_JSON_DEPTH = 32
/** How large a payload may be, as UTF-8 bytes of its JSON. */
export const MAX_PAYLOAD_BYTES = 256 * 1024
/** How long an id, a key or a name may be, in characters. */
export const MAX_ID_LENGTH = 255

/** What is wrong with an input, and where. */
export interface InputFault {
  readonly path: InputPath
  readonly message: string
}

// PostgreSQL refuses NUL in text and jsonb, and a lone surrogate in jsonb; in text it would silently become U+FFFD.
const UNSTORABLE = /[\0\p{Cs}]/u

/** The fault of a string that could not be stored as it is; `null` where it can. */
export const textFault = (text: string, path: InputPath): InputFault | null =>
  UNSTORABLE.test(text) ? { path, message: 'contains a NUL character or a lone surrogate' } : null

/** The fault of a text that is to be an id, a key or a name; `null` where it can be one. */
export const idFault = (id: string, path: InputPath): InputFault | null => {
  if (id.trim() === '') return { path, message: 'is blank' }
  if (id.length > MAX_ID_LENGTH) return { path, message: `is longer than ${MAX_ID_LENGTH} characters` }
  return textFault(id, path)
}

interface Unvisited {
  readonly value: unknown
  readonly path: InputPath
  readonly depth: number
  /** The name that the value has in its object, to be looked at before the value is. */
  readonly name?: string
}

const nameFault = (name: string, path: InputPath): InputFault | null =>
  name === '__proto__' ? { path, message: 'is a name that cannot be stored' } : textFault(name, path.slice(0, -1))

/**
 * The first thing in a JSON value that could not be stored and read back unchanged; `null` where there is none.
 * Walks with a stack of its own, so that depth cannot overflow it.
 */
export const jsonFault = (value: unknown, path: InputPath): InputFault | null => {
  const stack: Unvisited[] = [{ value, path, depth: 1 }]
  for (let item = stack.pop(); item; item = stack.pop()) {
    const { value, path, depth, name } = item
    const misnamed = name === undefined ? null : nameFault(name, path)
    if (misnamed) return misnamed
    if (typeof value === 'string') {
      const fault = textFault(value, path)
      if (fault) return fault
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) return { path, message: 'is a number out of range' }
    } else if (typeof value === 'object' && value !== null) {
      if (depth > MAX_JSON_DEPTH) return { path, message: `is nested deeper than ${MAX_JSON_DEPTH}` }
      const members: Unvisited[] = Array.isArray(value)
        ? Array.from(value, (member: unknown, index) => ({ value: member, path: [...path, index], depth: depth + 1 }))
        : Object.entries(value).map(([name, member]) => ({
            value: member,
            path: [...path, name],
            depth: depth + 1,
            name,
          }))
      // The last one first, since the stack gives them back the other way round.
      for (const member of members.reverse()) stack.push(member)
    } else if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') {
      return { path, message: `is a ${typeof value}, not JSON` }
    }
  }
  return null
}
