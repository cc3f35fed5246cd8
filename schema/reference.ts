import { writeFile } from 'node:fs/promises'
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
} from 'graphql'
import { schema as carillonSchema } from './index.ts'

/** Who may call a root field, as its description says in brackets at its end; `null` where it does not. */
const WHO = /\s*\[([^\]]*)\]/

/** Text that may stand in a cell of a table. */
const cell = (text: string | null | undefined): string =>
  (text ?? '').replace(WHO, '').replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim()

/** Operations come first, and GitHub numbers the second heading of a name, whose case it does not see. */
const operationNames: ReadonlySet<string> = new Set(
  [carillonSchema.getQueryType(), carillonSchema.getMutationType(), carillonSchema.getSubscriptionType()].flatMap(
    (type) => Object.keys(type?.getFields() ?? {}).map((name) => name.toLowerCase()),
  ),
)

const headingOf = ({ name }: GraphQLNamedType): string =>
  operationNames.has(name.toLowerCase()) ? `${name.toLowerCase()}-1` : name.toLowerCase()

const linkTo = (type: { toString(): string }, named: GraphQLNamedType): string => {
  const text = `\`${String(type)}\``
  return isSpecifiedScalarType(named) ? text : `[${text}](#${headingOf(named)})`
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join(
    '\n',
  )

const argumentRow = ({ name, type, description }: GraphQLArgument | GraphQLInputField): readonly string[] => [
  `\`${name}\``,
  linkTo(type, getNamedType(type)),
  cell(description) || pagingOf(name),
]

/** What the arguments of pages mean, which are the same everywhere. */
const PAGING: Readonly<Record<string, string>> = {
  first: 'How many from the start of the page.',
  last: 'How many from its end.',
  after: 'What comes after this cursor.',
  before: 'What comes before it.',
}
const pagingOf = (name: string): string => PAGING[name] ?? ''

const argumentsText = ({ args }: GraphQLField<unknown, unknown>): string => {
  const own = args.map(({ name, type }) => `\`${name}: ${type}\``)
  return own.length === 0 ? '' : ` Takes ${own.join(', ')}.`
}

const fieldRow = (field: GraphQLField<unknown, unknown>): readonly string[] => [
  `\`${field.name}\``,
  linkTo(field.type, getNamedType(field.type)),
  `${cell(field.description)}${argumentsText(field)}`,
]

const operationText = (field: GraphQLField<unknown, unknown>): string => {
  const who = WHO.exec(field.description ?? '')?.[1]
  return [
    `### ${field.name}`,
    (field.description ?? '').replace(WHO, '').replaceAll(/\s+/g, ' ').trim(),
    `For: ${who ?? 'everybody with a credential'}. Answers ${linkTo(field.type, getNamedType(field.type))}.`,
    ...(field.args.length > 0 ? [table(['argument', 'type', ''], field.args.map(argumentRow))] : []),
  ].join('\n\n')
}

const typeText = (type: GraphQLNamedType): string => {
  const parts = [`### ${type.name}`, (type.description ?? '').replaceAll(/\s+/g, ' ')]
  if (isEnumType(type)) {
    parts.push(
      table(
        ['value', ''],
        type.getValues().map(({ name, description }) => [`\`${name}\``, cell(description)]),
      ),
    )
  } else if (isInputObjectType(type)) {
    parts.push(table(['field', 'type', ''], Object.values(type.getFields()).map(argumentRow)))
  } else if (isObjectType(type) || isInterfaceType(type)) {
    parts.push(table(['field', 'type', ''], Object.values(type.getFields()).map(fieldRow)))
  }
  return parts.join('\n\n')
}

const ROOTS = ['Query', 'Mutation', 'Subscription'] as const
const TITLES: Readonly<Record<(typeof ROOTS)[number], string>> = {
  Query: 'Queries',
  Mutation: 'Mutations',
  Subscription: 'Subscriptions',
}

const INTRODUCTION = `# API reference

Made of the schema (\`npm run generate:reference\`), which is [schema/schema.graphql](../schema/schema.graphql). Everything is
sent to \`/graphql\`: queries and mutations by POST, subscriptions over a socket (\`graphql-transport-ws\`) or as server-sent
events. A **backend** is a key with the scope \`TRIGGER\`, an **operator** one with \`OPERATE\`, a **recipient** a recipient's own
token; [credentials](installation.md#credentials) says more. Errors carry [\`extensions.code\`](#errorcode).

Lists that are called connections come in pages: \`first\` and \`after\`, or \`last\` and \`before\`, with the cursors of
[\`PageInfo\`](#pageinfo); their \`edges\` hold the items as \`node\`.`

/** A connection or an edge says nothing that its item does not. */
const isPageOf = ({ name }: GraphQLNamedType): boolean => /(Connection|Edge)$/.test(name)

/** The API's reference as Markdown: every operation with who may call it, then every type; sorted by name. */
export const apiReference = (): string => {
  const sorted = lexicographicSortSchema(carillonSchema)
  const types = Object.values(sorted.getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type) && !ROOTS.some((root) => root === type.name),
  )
  const kinds: readonly [string, (type: GraphQLNamedType) => boolean][] = [
    ['Objects', (type) => (isObjectType(type) || isInterfaceType(type)) && !isPageOf(type)],
    ['Inputs', isInputObjectType],
    ['Enums', isEnumType],
    ['Scalars', isScalarType],
    ['Pages', isPageOf],
  ]
  const operations = ROOTS.flatMap((root) => {
    const fields = Object.values(sorted.getRootType(root.toLowerCase() as never)?.getFields() ?? {})
    return [`## ${TITLES[root]}`, ...fields.map(operationText)]
  })
  const sections = kinds.flatMap(([title, belongs]) => [`## ${title}`, ...types.filter(belongs).map(typeText)])
  return `${[INTRODUCTION, ...operations, ...sections].join('\n\n')}\n`
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(new URL('../docs/api.md', import.meta.url), apiReference())
}
