import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export interface Bundle {
  readonly script: string
  readonly style: string
}

/** The demo page's script and style, each whole, made of the sources. */
export const bundleDemo = async (): Promise<Bundle> => {
  const { outputFiles } = await build({
    entryPoints: ['demo.tsx', 'demo.css'].map((name) => fileURLToPath(new URL(name, import.meta.url))),
    outdir: '/',
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'silent',
  })
  const textOf = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ''
  return { script: textOf('.js'), style: textOf('.css') }
}
