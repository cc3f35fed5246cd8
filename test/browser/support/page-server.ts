import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { build } from 'esbuild'

const ROOT = resolve(import.meta.dirname, '../../..')

export interface PageServer {
  /** The page's address, with these parameters. */
  urlOf(parameters: Readonly<Record<string, string>>): string
  close(): Promise<void>
}

/** Serves a host's page that uses the components, bundled as a host would. */
export const servePage = async (): Promise<PageServer> => {
  const { outputFiles } = await build({
    entryPoints: [resolve(ROOT, 'test/browser/pages/inbox.tsx')],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"development"' },
    logLevel: 'silent',
  })
  const script = outputFiles[0]?.text ?? ''
  const style = await readFile(resolve(ROOT, 'client-sdk/react/styles.css'), 'utf8')
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A host’s page</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width">
<style>${style}</style><style>@media (prefers-color-scheme: dark) { body { background: #0e1116; color: #e9edf4 } }</style></head>
<body><div id="root"></div><script type="module" src="/page.js"></script></body></html>`
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.writeHead(200, { 'content-type': `${isScript ? 'text/javascript' : 'text/html'}; charset=utf-8` })
    response.end(isScript ? script : html)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    urlOf: (parameters) => `http://127.0.0.1:${port}/?${new URLSearchParams(parameters)}`,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}
