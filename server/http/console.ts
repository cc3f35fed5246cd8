import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Telemetry } from '../telemetry.ts'
import { answerBroken } from './broken-page.ts'
import { isLoopback } from './loopback.ts'
import type { Page } from './page.ts'

export interface ConsoleOptions {
  /** Filled in for whoever opens the page on this machine, under a loopback name: for development. `null`: people bring their own. */
  readonly credential: string | null
  readonly loadBundle: () => Promise<{ readonly script: string; readonly style: string }>
  /** Whether the sources may change, and are to be asked at each request. */
  readonly changing: boolean
  /** Told why the sources cannot be loaded. */
  readonly telemetry: Pick<Telemetry, 'emit'>
}

/**
 * No script but the page's own, no request to anywhere else, in nobody's frame. Styles may stand in attributes, for
 * e-mail is written so, and its preview is a frame that inherits this and may run nothing at all.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

const html = (credential: string | null): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Carillon console</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="console/console.css">
</head>
<body>
<div id="root"></div>
<noscript>The console is a program, and needs JavaScript.</noscript>
${credential === null ? '' : `<script type="application/json" id="carillon">${JSON.stringify({ key: credential }).replaceAll('<', '\\u003c')}</script>\n`}<script type="module" src="console/console.js"></script>
</body>
</html>
`

interface Packed {
  readonly plain: Buffer
  readonly gzip: Buffer
  readonly etag: string
}

const pack = (text: string): Packed => ({
  plain: Buffer.from(text),
  gzip: gzipSync(text, { level: 9 }),
  etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 16)}"`,
})

/** The console for support people and operators. What it shows it asks of the API, with the key of whoever signs in. */
export const consolePages = ({
  credential,
  loadBundle,
  changing,
  telemetry,
}: ConsoleOptions): readonly (readonly [string, Page])[] => {
  let kept: Promise<{ readonly script: Packed; readonly style: Packed }> | null = null
  const bundle = (): NonNullable<typeof kept> => {
    if (kept && !changing) return kept
    const loaded = loadBundle().then(({ script, style }) => ({ script: pack(script), style: pack(style) }))
    kept = loaded
    // A fault is not kept: the next request tries again.
    loaded.catch(() => {
      if (kept === loaded) kept = null
    })
    return loaded
  }

  const part =
    (type: string, of: 'script' | 'style'): Page =>
    (request, response) => {
      const answer = ({ plain, gzip, etag }: Packed): void => {
        const common = { ...HEADERS, etag, vary: 'accept-encoding' }
        if (request.headers['if-none-match'] === etag) return void response.writeHead(304, common).end()
        const takesGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
        response.writeHead(200, {
          ...common,
          'content-type': `${type}; charset=utf-8`,
          ...(takesGzip && { 'content-encoding': 'gzip' }),
        })
        response.end(request.method === 'HEAD' ? undefined : takesGzip ? gzip : plain)
      }
      bundle().then(
        (parts) => answer(parts[of]),
        (error: Error) => answerBroken('The console', error, { telemetry, response }),
      )
    }

  return [
    [
      '/console',
      (request, response) => {
        const body = html(isLoopback(request) ? credential : null)
        response.writeHead(200, { ...HEADERS, 'cache-control': 'no-store', 'content-type': 'text/html; charset=utf-8' })
        response.end(request.method === 'HEAD' ? undefined : body)
      },
    ],
    ['/console/', (_, response) => void response.writeHead(302, { location: '../console' }).end()],
    ['/console/console.js', part('text/javascript', 'script')],
    ['/console/console.css', part('text/css', 'style')],
  ]
}
