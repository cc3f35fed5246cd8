import type { InputPath } from '../errors.ts'
import { canonicalJson } from './canonical-json.ts'

/** In the path of a secret field: whichever item of the list. */
export const EACH: unique symbol = Symbol('each item')
/** Where a payload may have a secret field: names of fields, and `EACH`. */
export type SecretPath = readonly (string | typeof EACH)[]

/** One secret value and where it stands in its payload. */
export type SecretEntry = readonly [at: InputPath, value: unknown]

const ABSENT = Symbol('absent')

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The rest of the paths that begin with this step. */
const beneath = (paths: readonly SecretPath[], step: string | typeof EACH): readonly SecretPath[] =>
  paths.filter(([first]) => first === step).map(([, ...rest]) => rest)

/**
 * A copy with each secret value replaced, or left out where the replacement is `ABSENT`. What holds no secret is not
 * copied, and what a path leads past, because the value has another form there, stays as it is.
 */
const replaceSecrets = (
  paths: readonly SecretPath[],
  value: unknown,
  replace: (secret: unknown, at: InputPath) => unknown,
  at: InputPath = [],
): unknown => {
  if (paths.length === 0) return value
  if (paths.some((path) => path.length === 0)) return replace(value, at)
  if (Array.isArray(value)) {
    const items = beneath(paths, EACH)
    if (items.length === 0) return value
    return value
      .map((item: unknown, index) => replaceSecrets(items, item, replace, [...at, index]))
      .filter((item) => item !== ABSENT)
  }
  if (!isObject(value)) return value
  const members = Object.entries(value).map(
    ([name, member]) => [name, replaceSecrets(beneath(paths, name), member, replace, [...at, name])] as const,
  )
  if (members.every(([name, member]) => member === value[name])) return value
  return Object.fromEntries(members.filter(([, member]) => member !== ABSENT))
}

/** A payload with `null` for each secret value that was given, and those values. */
export const splitSecrets = (
  paths: readonly SecretPath[],
  payload: unknown,
): { readonly open: unknown; readonly secrets: readonly SecretEntry[] } => {
  const secrets: SecretEntry[] = []
  const open = replaceSecrets(paths, payload, (secret, at) => {
    secrets.push([at, secret])
    return null
  })
  return { open, secrets }
}

type Holder = Record<string | number, unknown>

/** The payload that `splitSecrets` took these values out of. A value whose place is not there any more is left out. */
export const mergeSecrets = (open: unknown, secrets: readonly SecretEntry[]): unknown => {
  // One copy that is written to: there may be as many secrets as a payload has room for.
  const whole = { payload: structuredClone(open) }
  for (const [at, secret] of secrets) {
    let holder: unknown = whole
    let last: string | number = 'payload'
    for (const step of at) {
      holder = (holder as Holder)[last]
      last = step
      if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, step)) {
        holder = null
        break
      }
    }
    if (holder !== null) (holder as Holder)[last] = secret
  }
  return whole.payload
}

/** A payload without its secret fields, and lists of secrets without their items. The payload itself stays as it is. */
export const withoutSecrets = (paths: readonly SecretPath[], payload: unknown): unknown =>
  replaceSecrets(paths, payload, () => ABSENT)

/** A payload with a mark in the place of each secret value, made of the value's canonical JSON. */
export const markSecrets = (
  paths: readonly SecretPath[],
  payload: unknown,
  markOf: (canonical: string) => string,
): unknown => replaceSecrets(paths, payload, (secret) => markOf(canonicalJson(secret ?? null)))

/** The secret values of a payload that may not fit; what stands on the way to one in another form counts as one. */
export const secretValues = (paths: readonly SecretPath[], value: unknown): readonly unknown[] => {
  if (paths.length === 0) return []
  const holds = (step: SecretPath[number] | undefined): boolean =>
    step === EACH ? Array.isArray(value) : step !== undefined && isObject(value)
  // Not all of them: one of several forms may have it here, and another further down.
  if (paths.some((path) => path.length === 0) || !paths.some(([step]) => holds(step))) return [value]
  if (Array.isArray(value)) return value.flatMap((item: unknown) => secretValues(beneath(paths, EACH), item))
  return Object.entries(value as object).flatMap(([name, member]) => secretValues(beneath(paths, name), member))
}

/** How many steps of a place in a payload lead to the secret value that it is in, or is; `null` where it is in none. */
export const secretDepth = (paths: readonly SecretPath[], at: InputPath): number | null => {
  const depths = paths
    .filter(
      (path) =>
        path.length <= at.length &&
        path.every((step, index) => (step === EACH ? typeof at[index] === 'number' : step === at[index])),
    )
    .map((path) => path.length)
  return depths.length > 0 ? Math.min(...depths) : null
}

/** Every text and number in secret values, names of fields among them: what no words of anybody's may quote. */
export const secretWords = (secrets: readonly unknown[]): readonly string[] => {
  const found = new Set<string>()
  const rest = [...secrets]
  while (rest.length > 0) {
    const next = rest.pop()
    if (typeof next === 'string') found.add(next)
    else if (typeof next === 'number' || typeof next === 'bigint') found.add(String(next))
    else if (typeof next === 'object' && next !== null) {
      if (!Array.isArray(next)) for (const name of Object.keys(next)) found.add(name)
      rest.push(...Object.values(next))
    }
  }
  found.delete('')
  return [...found]
}
