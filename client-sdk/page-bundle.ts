import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** The pages that come with the service, each a folder with an entry and a style of these names. */
export const PAGES = {
  demo: { script: 'demo/demo.tsx', style: 'demo/demo.css' },
  console: { script: 'console/main.tsx', style: 'console/console.css' },
} as const
export type PageName = keyof typeof PAGES

export interface PageBundle {
  readonly script: string
  readonly style: string
}

/** A page's script and style, each whole, made of the sources. */
export const bundlePage = async (name: PageName): Promise<PageBundle> => {
  const { script, style } = PAGES[name]
  const { outputFiles } = await build({
    entryPoints: [script, style].map((file) => fileURLToPath(new URL(file, import.meta.url))),
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
