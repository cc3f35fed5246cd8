import { type ASTNode, GraphQLError } from 'graphql'
import type { ErrorCode } from '../errors.ts'

/** What an operation is refused with that asks for more than the limits allow, before anything of it is executed. */
export const queryTooComplex = (message: string, node?: ASTNode): GraphQLError => {
  const code: ErrorCode = 'QUERY_TOO_COMPLEX'
  return new GraphQLError(message, { nodes: node ?? null, extensions: { code } })
}
