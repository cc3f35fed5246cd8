import { z } from 'zod'
import { EACH, type SecretPath } from '../core/secret-fields.ts'
import { SECRET_KEYWORD } from './notifier.ts'

/** Where a schema marks secret fields, and the marks that cannot be honoured, each as a sentence about its path. */
export interface SecretFields {
  readonly paths: readonly SecretPath[]
  readonly faults: readonly string[]
}

type Schema = z.core.$ZodType
type Checks = readonly { readonly _zod: { readonly def: { readonly check: string } } }[]
/** What is looked at of a schema's definition, whatever its kind. */
interface Def {
  readonly type: string
  readonly shape?: Readonly<Record<string, Schema>>
  readonly catchall?: Schema
  readonly element?: Schema
  readonly innerType?: Schema
  readonly options?: readonly Schema[]
  readonly checks?: Checks
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && '_zod' in value
const defOf = (schema: Schema): Def => schema._zod.def as unknown as Def
const isMarked = (schema: Schema): boolean => z.globalRegistry.get(schema)?.[SECRET_KEYWORD] === true

/** They give on what they are given: the value inside stands where it stood, and nothing else sees it. */
const TRANSPARENT: ReadonlySet<string> = new Set([
  'optional',
  'nullable',
  'default',
  'prefault',
  'nonoptional',
  'readonly',
])

/** What a lazy schema comes to, the same one each time. */
const innerOf = (schema: Schema): Schema | undefined =>
  defOf(schema).type === 'lazy' ? (schema as z.core.$ZodLazy)._zod.innerType : defOf(schema).innerType

const schemasIn = (schema: Schema): readonly Schema[] => {
  const members = Object.entries(defOf(schema)).flatMap(([name, value]: [string, unknown]) => {
    if (Array.isArray(value)) return value as readonly unknown[]
    return name === 'shape' ? Object.values(value as object) : [value]
  })
  return [...members, innerOf(schema)].filter(isSchema)
}

const anyMarked = (schema: Schema, seen: Set<Schema> = new Set()): boolean => {
  if (seen.has(schema)) return false
  seen.add(schema)
  return isMarked(schema) || schemasIn(schema).some((inner) => anyMarked(inner, seen))
}

const shown = (path: SecretPath): string =>
  `\`${['payload', ...path]
    .map((step) => (step === EACH ? '[]' : step))
    .join('.')
    .replaceAll('.[]', '[]')}\``

/** What keeps a schema from handing a secret inside it on soundly; `null` where nothing does. */
const opacity = ({ type, checks }: Def): string | null => {
  if (checks?.some(({ _zod }) => _zod.def.check === 'overwrite')) return 'an overwrite()'
  switch (type) {
    case 'pipe':
      return 'a transform, pipe, codec or preprocess'
    case 'intersection':
      return 'an intersection'
    case 'record':
    case 'tuple':
    case 'map':
    case 'set':
    case 'catch':
    case 'promise':
      return `a ${type}`
    default:
      return type === 'object' || type === 'array' || type === 'union' || type === 'lazy' || TRANSPARENT.has(type)
        ? null
        : `a schema of the kind "${type}"`
  }
}

/**
 * Finds the fields that `secret()` marks: in objects and lists, optional or one of several, however deep. Anywhere else
 * a secret could end up under another name, or under none, so that is a fault.
 */
export const findSecrets = (payload: z.ZodType): SecretFields => {
  const paths: SecretPath[] = []
  const faults: string[] = []
  /** The schemas that hold themselves. */
  const cyclic = new Set<Schema>()

  const walk = (schema: Schema, path: SecretPath, above: readonly Schema[]): void => {
    if (above.includes(schema)) {
      cyclic.add(schema)
      return
    }
    if (isMarked(schema)) {
      if (path.length === 0) faults.push(`\`secret()\` cannot mark the whole payload (${shown(path)}): mark its fields`)
      else paths.push(path)
      return
    }
    const def = defOf(schema)
    const opaque = opacity(def)
    if (opaque !== null || (def.catchall && anyMarked(def.catchall))) {
      if (anyMarked(schema)) {
        const where = opaque ?? 'a catchall'
        faults.push(
          `\`secret()\` cannot be kept inside ${where} (${shown(path)}): mark all of it, or move the secret out`,
        )
      }
      return
    }
    const before = paths.length
    const inside = [...above, schema]
    for (const [name, field] of Object.entries(def.shape ?? {})) walk(field, [...path, name], inside)
    if (def.element) walk(def.element, [...path, EACH], inside)
    for (const one of [innerOf(schema), ...(def.options ?? [])]) if (one) walk(one, path, inside)
    if (cyclic.has(schema) && paths.length > before) {
      faults.push(`\`secret()\` cannot be kept inside a schema that holds itself (${shown(path)})`)
    }
  }

  walk(payload, [], [])
  return { paths, faults }
}

const known = new WeakMap<z.ZodType, readonly SecretPath[]>()

/** Where a payload that passed the checks at the start has its secret fields. */
export const secretPathsOf = ({ payload }: { readonly payload: z.ZodType }): readonly SecretPath[] => {
  let paths = known.get(payload)
  if (!paths) {
    paths = findSecrets(payload).paths
    known.set(payload, paths)
  }
  return paths
}
