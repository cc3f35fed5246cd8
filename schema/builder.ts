import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import type PrismaTypes from '../generated/pothos.ts'
import { getDatamodel } from '../generated/pothos.ts'
import type { PrismaClient } from '../generated/prisma/client.ts'
import { decodeNodeId, encodeNodeId, type NodeType } from '../server/core/node-id.ts'
import type { Context } from './context.ts'

export interface SchemaTypes {
  Context: Context
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  DefaultInputFieldRequiredness: false
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
    InboxCursor: { Input: string; Output: string }
  }
}

/** Defines nothing by itself: each concept's file adds its types, queries, mutations and subscriptions. */
export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  prisma: {
    // Scoped to the caller's tenant; the extension that does so changes no model's type.
    client: (context) => context.prisma as unknown as PrismaClient,
    dmmf: getDatamodel(),
    exposeDescriptions: { models: true, fields: true },
  },
  relay: {
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    clientMutationId: 'omit',
    cursorType: 'String',
    edgesFieldOptions: { nullable: { list: false, items: false }, description: 'The page.' },
    nodeFieldOptions: { nullable: false, description: 'The item.' },
    cursorFieldOptions: { description: 'Where the item stands: pass it as `after` or `before`.' },
    pageInfoFieldOptions: { description: 'Whether there is more, and where to go on.' },
    nodeTypeOptions: { description: 'Anything with an id of its own.' },
    hasNextPageFieldOptions: { description: 'Whether there is more after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there is more before this page.' },
    startCursorFieldOptions: { description: 'Of the first item; pass it as `before`.' },
    endCursorFieldOptions: { description: 'Of the last item; pass it as `after`.' },
    pageInfoTypeOptions: { description: 'Where a page stands in its list.' },
    idFieldOptions: { description: 'Opaque; unique in this installation.' },
    encodeGlobalID: (type, id) => encodeNodeId(type as NodeType, String(id)),
    decodeGlobalID: (nodeId) => {
      const decoded = decodeNodeId(nodeId)
      return { typename: decoded?.type ?? '', id: decoded?.id ?? '' }
    },
  },
})

builder.queryType({ description: 'What can be asked.' })
builder.mutationType({ description: 'What can be done.' })
builder.subscriptionType({
  description: 'What can be followed, over a socket (graphql-transport-ws) or server-sent events.',
})
