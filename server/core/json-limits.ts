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

/**
 * The first thing in a JSON value that could not be stored and read back unchanged; `null` where there is none.
 * Walks with a stack of its own, so that depth cannot overflow it.
 */
export const jsonFault = (value: unknown, path: InputPath): InputFault | null => {
  const stack: { readonly value: unknown; readonly path: InputPath; readonly depth: number }[] = [
    { value, path, depth: 1 },
  ]
  for (let item = stack.pop(); item; item = stack.pop()) {
    const { value, path, depth } = item
    if (typeof value === 'string') {
      const fault = textFault(value, path)
      if (fault) return fault
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) return { path, message: 'is a number out of range' }
    } else if (typeof value === 'object' && value !== null) {
      if (depth > MAX_JSON_DEPTH) return { path, message: `is nested deeper than ${MAX_JSON_DEPTH}` }
      if (Array.isArray(value)) {
        for (let i = value.length - 1; i >= 0; i--)
          stack.push({ value: value[i], path: [...path, i], depth: depth + 1 })
        continue
      }
      for (const key of Object.keys(value)) {
        if (key === '__proto__') return { path: [...path, key], message: 'is a name that cannot be stored' }
        const fault = textFault(key, path)
        if (fault) return fault
        stack.push({ value: (value as Record<string, unknown>)[key], path: [...path, key], depth: depth + 1 })
      }
    } else if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') {
      return { path, message: `is a ${typeof value}, not JSON` }
    }
  }
  return null
}
