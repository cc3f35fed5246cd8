import type { ServerResponse } from 'node:http'
import type { Telemetry } from '../telemetry.ts'
import { answerBroken } from './broken-page.ts'
import { mayShowKeys } from './loopback.ts'
import type { Page } from './page.ts'

export interface DemoOptions {
  /** Shown to whoever opens the page on this machine: it triggers, explains and makes recipients' tokens. */
  readonly credential: string
  /** Asked at each request: in a checkout a change shows at the next load. */
  readonly loadBundle: () => Promise<{ readonly script: string; readonly style: string }>
  /** Told why the sources cannot be loaded. */
  readonly telemetry: Pick<Telemetry, 'emit'>
}

const COMMON = { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }

const html = (credential: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Carillon: demo</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/demo/demo.css">
</head>
<body>
<div id="root"></div>
<script type="application/json" id="carillon">${JSON.stringify({ key: credential }).replaceAll('<', '\\u003c')}</script>
<script type="module" src="/demo/demo.js"></script>
</body>
</html>
`

/** Two recipients side by side, a form that triggers, and explanations: for development, and never for production. */
export const demoPages = ({ credential, loadBundle, telemetry }: DemoOptions): readonly (readonly [string, Page])[] => {
  const answer = (response: ServerResponse, type: string, body: string): void => {
    response.writeHead(200, {
      ...COMMON,
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy':
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    })
    response.end(body)
  }
  const part =
    (type: string, of: 'script' | 'style'): Page =>
    (_, response) => {
      loadBundle().then(
        (bundle) => answer(response, type, bundle[of]),
        (error: Error) => answerBroken('The demo', error, { telemetry, response }),
      )
    }
  return [
    [
      '/demo',
      (request, response) => {
        if (mayShowKeys('The demo', request, response)) answer(response, 'text/html', html(credential))
      },
    ],
    ['/demo/demo.js', part('text/javascript', 'script')],
    ['/demo/demo.css', part('text/css', 'style')],
  ]
}
