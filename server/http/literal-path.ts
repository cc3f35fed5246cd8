import {
  type ArgumentNode,
  BREAK,
  type DocumentNode,
  type GraphQLError,
  Kind,
  parse,
  type Source,
  type ValueNode,
  visit,
} from 'graphql'
import type { InputPath } from '../errors.ts'

/** The way from a value to the one that stands at this offset; `null` where it is not in there. */
const stepsTo = (value: ValueNode, offset: number, kind: string): InputPath | null => {
  if (value.loc?.start === offset && value.kind === kind) return []
  if (value.kind === Kind.LIST) {
    for (const [index, item] of value.values.entries()) {
      const rest = stepsTo(item, offset, kind)
      if (rest) return [index, ...rest]
    }
  }
  if (value.kind === Kind.OBJECT) {
    for (const field of value.fields) {
      const found = field.loc?.start === offset && kind === field.kind
      const rest = found ? [] : stepsTo(field.value, offset, kind)
      if (rest) return [field.name.value, ...rest]
    }
  }
  return null
}

const documents = new WeakMap<Source, DocumentNode>()

/** The document that an error speaks of, which it does not carry; one that has many is read again once. */
const documentOf = (source: Source): DocumentNode => {
  const known = documents.get(source)
  if (known) return known
  const document = parse(source)
  documents.set(source, document)
  return document
}

/** Where in the input a value is that stands in the document itself, and that validation has refused. */
export const literalPath = ({ nodes, message }: GraphQLError): InputPath | null => {
  const [node] = nodes ?? []
  if (!node?.loc) return null
  if (node.kind === Kind.FIELD) {
    const missing = /^Field "[^"]*" argument "([^"]+)" of type "[^"]*" is required/.exec(message)?.[1]
    return missing === undefined ? null : [missing]
  }
  const { loc, kind } = node
  let path: InputPath | null = null
  // Errors carry the node alone, and not what it stands in.
  visit(documentOf(loc.source), {
    Argument({ name, value }: ArgumentNode) {
      const steps = stepsTo(value, loc.start, kind)
      if (!steps) return undefined
      path = [name.value, ...steps]
      return BREAK
    },
  })
  return path
}
