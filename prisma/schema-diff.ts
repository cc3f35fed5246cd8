import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'

// Node has it; its types at this version come only with those of browsers.
declare const WebAssembly: {
  instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>
}

// The package's own entry imports its .wasm as a module, which Node 20 cannot do without a flag.
const loadEngine = async (): Promise<typeof bindings.SchemaEngine> => {
  const bindingsFile = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const { instance } = await WebAssembly.instantiate(
    await readFile(join(dirname(bindingsFile), 'schema_engine_bg.wasm')),
    { './schema_engine_bg.js': { ...bindings } },
  )
  bindings.__wbg_set_wasm(instance.exports)
  const start = instance.exports['__wbindgen_start']
  if (typeof start !== 'function') throw new Error('@prisma/schema-engine-wasm has no __wbindgen_start: it changed')
  start()
  return bindings.SchemaEngine
}

// Loaded once: the bindings are one module with one instance behind them.
let engineLoading: Promise<typeof bindings.SchemaEngine> | undefined

// The engine asks its database once, at construction, for its version and whether the schema is there. Comparing two
// datamodels asks nothing more, so this answer stands in for a database.
const withoutDatabase = () => {
  const ok = (value: unknown) => ({ ok: true, value })
  const BOOLEAN = 5
  const TEXT = 7
  const INT32 = 0
  const refuse = () => {
    throw new Error('comparing datamodels needs no database, and has none')
  }
  const names = { provider: 'postgres', adapterName: '@prisma/adapter-pg' }
  const connection = {
    ...names,
    queryRaw: async () =>
      ok({
        columnNames: ['exists', 'version', 'numeric_version'],
        columnTypes: [BOOLEAN, TEXT, INT32],
        rows: [[true, 'PostgreSQL 15.0', 150000]],
      }),
    executeRaw: refuse,
    executeScript: refuse,
    startTransaction: refuse,
    dispose: async () => ok(undefined),
  }
  return { ...names, connect: async () => ok(connection), connectToShadowDb: refuse }
}

const datamodel = (content: string) => ({
  tag: 'schemaDatamodel' as const,
  files: [{ path: 'schema.prisma', content }],
})

/**
 * The SQL that leads from one Prisma datamodel (the text of a schema file) to another, for PostgreSQL; '' where they
 * describe the same tables. Needs no database.
 */
export const diffDatamodels = async (from: string, to: string): Promise<string> => {
  engineLoading ??= loadEngine()
  const Engine = await engineLoading
  const engine = await Engine.new({ datamodels: [['schema.prisma', to]] }, () => {}, withoutDatabase())
  try {
    const { exitCode, stdout } = await engine.diff({
      from: datamodel(from),
      to: datamodel(to),
      script: true,
      exitCode: true,
      filters: { externalTables: [], externalEnums: [] },
    })
    return exitCode === 0 ? '' : (stdout ?? '')
  } finally {
    engine.free()
  }
}
