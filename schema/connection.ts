import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import { textFault } from '../server/core/json-limits.ts'
import { badInput } from '../server/errors.ts'
import type { Context } from './context.ts'

export interface ConnectionArgs {
  readonly first?: number | null | undefined
  readonly last?: number | null | undefined
  readonly after?: string | null | undefined
  readonly before?: string | null | undefined
}

/** How a list is ordered: by a key that every item has, from its start, and how that key becomes a cursor. */
export interface Keyset<Item, Key> {
  readonly keyOf: (item: Item) => Key
  readonly encode: (key: Key) => string
  /** `null` where it is none. */
  readonly decode: (text: string) => Key | null
}

/** A stretch of a list: what to read, from which end of it. */
export interface Stretch<Key> {
  readonly after: Key | null
  readonly before: Key | null
  readonly limit: number
  readonly from: 'start' | 'end'
}

const DEFAULT_PAGE = 20
const MAX_PAGE = 100

const toCursor = (text: string): string => Buffer.from(text).toString('base64url')

const fromCursor = <Key>(
  keyset: Pick<Keyset<never, Key>, 'decode'>,
  cursor: string | null | undefined,
  name: string,
): Key | null => {
  if (cursor == null) return null
  const text = Buffer.from(cursor, 'base64url').toString()
  const key = toCursor(text) === cursor && textFault(text, []) === null ? keyset.decode(text) : null
  if (key === null) throw badInput(`${name} is not a cursor of this list`, [name])
  return key
}

const sizeOf = ({ first, last }: ConnectionArgs): number => {
  if (first != null && last != null) throw badInput('Give first or last, not both', ['first'])
  const size = first ?? last ?? DEFAULT_PAGE
  if (size < 0 || size > MAX_PAGE)
    throw badInput(`A page has 0 to ${MAX_PAGE} items`, [first == null ? 'last' : 'first'])
  return size
}

/** Reads one page by its key, and one item more to know whether there is another: deep pages cost what the first does. */
export const pageBy = async <Item, Key>(
  keyset: Keyset<Item, Key>,
  args: ConnectionArgs,
  read: (stretch: Stretch<Key>) => Promise<readonly Item[]>,
) => {
  const size = sizeOf(args)
  const after = fromCursor(keyset, args.after, 'after')
  const before = fromCursor(keyset, args.before, 'before')
  const from = args.last == null ? 'start' : 'end'
  const found = await read({ after, before, limit: size + 1, from })
  const page = found.slice(0, size)
  if (from === 'end') page.reverse()
  const more = found.length > size
  const edges = page.map((node) => ({ cursor: toCursor(keyset.encode(keyset.keyOf(node))), node }))
  return {
    edges,
    pageInfo: {
      hasNextPage: from === 'start' ? more : before !== null,
      hasPreviousPage: from === 'end' ? more : after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Rows whose id is in the order of time. */
export const BY_ID: Keyset<{ readonly id: string }, string> = {
  keyOf: ({ id }) => id,
  encode: (id) => id,
  decode: (text) => (UUID.test(text) ? text : null),
}

/** The part of a Prisma query that reads a stretch of rows by id, newest first. */
export const newestFirst = ({ after, before, limit, from }: Stretch<string>) => ({
  where: { id: { ...(after !== null && { lt: after }), ...(before !== null && { gt: before }) } },
  orderBy: { id: from === 'start' ? ('desc' as const) : ('asc' as const) },
  take: limit,
})

/** What a query's own selection adds to the read of a page's nodes, so that what hangs on them comes with it. */
export const selectionOfNodes = (context: Context, info: GraphQLResolveInfo): object =>
  queryFromInfo({ context, info, path: ['edges', 'node'] })
