import type { CodegenConfig } from '@graphql-codegen/cli'

/** Types and documents of the client SDK, made of the printed schema and of the SDK's own operations. */
const config: CodegenConfig = {
  schema: 'schema/schema.graphql',
  documents: 'client-sdk/operations/*.graphql',
  generates: {
    'client-sdk/generated/operations.ts': {
      plugins: ['typescript-operations', 'typed-document-node'],
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
    },
  },
}

export default config
