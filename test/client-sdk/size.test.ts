import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build } from 'esbuild'
import { expect, test } from 'vitest'
import { bundlePage, PAGES } from '../../client-sdk/page-bundle.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** What a page loads for an import, in bytes as they travel: bundled, minified, gzipped, without React. */
const sizeOf = async (from: Pick<BuildOptions, 'stdin' | 'entryPoints'>): Promise<number> => {
  const { outputFiles } = await build({
    ...from,
    bundle: true,
    outdir: '/',
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    external: ['react', 'react/jsx-runtime', 'react-dom/client'],
    conditions: ['carillon-source'],
    legalComments: 'none',
    logLevel: 'silent',
    write: false,
  })
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).byteLength, 0)
}

/** Each a little above what it is: whoever adds something heavy finds out here. */
test.each([
  { what: 'one document', source: `export { ViewerDocument } from 'carillon/client'`, limit: 600 },
  { what: 'createClient', source: `export { createClient } from 'carillon/client'`, limit: 11_000 },
  {
    what: 'createClient and createInboxStore',
    source: `export { createClient, createInboxStore } from 'carillon/client'`,
    limit: 16_000,
  },
  {
    what: 'the hooks of carillon/react',
    source: `export { CarillonProvider, useInbox } from 'carillon/react'`,
    limit: 8_000,
  },
  { what: 'all of carillon/react', source: `export * from 'carillon/react'`, limit: 14_000 },
  { what: 'the stylesheet', source: `import 'carillon/react/styles.css'`, limit: 3_500 },
])('$what stays small', async ({ what, source, limit }) => {
  const size = await sizeOf({ stdin: { contents: source, resolveDir: ROOT, loader: 'tsx' } })
  process.stdout.write(`${what}: ${(size / 1_000).toFixed(1)} kB gzipped\n`)
  expect(size).toBeLessThan(limit)
})

test('the console is small too, with the client in it and React beside it', async () => {
  const { script: entry, style } = PAGES.console
  const size = await sizeOf({ entryPoints: [entry, style].map((file) => resolve(ROOT, 'client-sdk', file)) })
  const { script } = await bundlePage('console')
  const whole = gzipSync(script, { level: 9 }).byteLength
  process.stdout.write(
    `the console: ${(size / 1_000).toFixed(1)} kB gzipped, and ${(whole / 1_000).toFixed(1)} kB with React\n`,
  )
  expect(size).toBeLessThan(38_000)
  expect(whole).toBeLessThan(108_000)
})

test('the client brings no more than graphql-ws’s client, and React is the host’s', async () => {
  const { metafile } = await build({
    stdin: {
      contents: `export * from 'carillon/client'; export * from 'carillon/react'`,
      resolveDir: ROOT,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    jsx: 'automatic',
    external: ['react', 'react/jsx-runtime'],
    conditions: ['carillon-source'],
    logLevel: 'silent',
  })
  const carried = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? path : [])),
  )
  const packages = carried.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
  expect([...new Set(packages)]).toEqual(['graphql-ws'])
})
