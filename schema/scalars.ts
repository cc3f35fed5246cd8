import { GraphQLError, type ValueNode, valueFromASTUntyped } from 'graphql'
import { z } from 'zod'
import { builder } from './builder.ts'

const instant = z.iso.datetime({ offset: true })

const parseInstant = (value: unknown): Date => {
  const parsed = instant.safeParse(value)
  const date = new Date(parsed.success ? parsed.data : Number.NaN)
  const year = date.getUTCFullYear()
  // Years beyond these are written in ways of their own, which the database does not read.
  if (!(year >= 1 && year <= 9_999))
    throw new GraphQLError('A DateTime is an ISO-8601 instant of the years 1 to 9999, such as "2026-01-15T03:30:00Z"')
  return date
}

/** Reads a value that stands in the document itself; what is wrong with it is said of its place there. */
const literalOf =
  <T>(parse: (value: unknown) => T) =>
  (node: ValueNode): T => {
    try {
      return parse(valueFromASTUntyped(node))
    } catch (error) {
      throw new GraphQLError((error as Error).message, { nodes: [node] })
    }
  }

const parseCursor = (value: unknown): string => {
  if (typeof value !== 'string') throw new GraphQLError('An InboxCursor is text')
  return value
}

builder.scalarType('DateTime', {
  description: 'An ISO-8601 instant in UTC, of the years 1 to 9999.',
  serialize: (value) => (value instanceof Date ? value : new Date(value as string)).toISOString(),
  parseValue: parseInstant,
  parseLiteral: literalOf(parseInstant),
})

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node: ValueNode, variables) => valueFromASTUntyped(node, variables),
})

builder.scalarType('InboxCursor', {
  description:
    "An opaque position in one recipient's inbox. Later changes have later cursors; a cursor never goes back.",
  serialize: (value) => value,
  parseValue: parseCursor,
  parseLiteral: literalOf(parseCursor),
})
