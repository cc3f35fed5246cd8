import type { CodegenConfig } from '@graphql-codegen/cli'

const plugins = ['typescript-operations', 'typed-document-node']

/** Types and documents of the client SDK and of the console, made of the printed schema and of the operations of each. */
const config: CodegenConfig = {
  schema: 'schema/schema.graphql',
  config: {
    // Plain strings: a browser needs neither a parser nor graphql-js.
    documentMode: 'string',
    // Bundlers drop the documents that an application does not use.
    pureMagicComment: true,
    enumType: 'string-literal',
    immutableTypes: true,
    inlineFragmentTypes: 'combine',
    useTypeImports: true,
    emitLegacyCommonJSImports: false,
    strictScalars: true,
    scalars: { ID: 'string', DateTime: 'string', JSON: 'unknown', InboxCursor: 'string' },
  },
  generates: {
    'client-sdk/generated/operations.ts': { documents: 'client-sdk/operations/*.graphql', plugins },
    'client-sdk/console/generated/operations.ts': { documents: 'client-sdk/console/operations/*.graphql', plugins },
  },
}

export default config
