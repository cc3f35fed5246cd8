import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import { mayShowKeys } from './loopback.ts'
import type { Page } from './page.ts'

/** One example in a tab of its own. */
export interface ExampleTab {
  readonly query: string
  readonly variables?: unknown
}

export interface GraphiQLOptions {
  /** Sent with everything, and shown in each tab, where it can be changed. `null`: people bring their own. */
  readonly credential: string | null
  readonly tabs: readonly ExampleTab[]
}

/**
 * GraphiQL, whole, without a request to anywhere else. It is 9 MB and slow to make, so it is made once and kept packed.
 * Where a credential is filled in, it is shown under a loopback name alone.
 */
export const graphiqlPage = ({ credential, tabs }: GraphiQLOptions): Page => {
  const headers = credential ? JSON.stringify({ authorization: `Bearer ${credential}` }, null, 2) : '{}'
  const html = renderGraphiQL({
    title: 'Carillon',
    // Over server-sent events the Headers tab's credential goes with subscriptions too.
    subscriptionsProtocol: 'SSE',
    ...(credential && { additionalHeaders: { authorization: `Bearer ${credential}` } }),
    headers,
    defaultHeaders: headers,
    defaultTabs: tabs.map(({ query, variables }) => ({
      query,
      headers,
      variables: variables === undefined ? null : JSON.stringify(variables, null, 2),
    })),
    endpoint: '/graphql',
  } as Parameters<typeof renderGraphiQL>[0])
  const packed = gzipSync(html)
  const etag = `"${createHash('sha256').update(packed).digest('base64url').slice(0, 16)}"`

  return (request, response) => {
    if (credential && !mayShowKeys('GraphiQL', request, response)) return
    const common = {
      etag,
      'cache-control': 'no-cache',
      'content-security-policy':
        "default-src 'self'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    }
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, common).end()
      return
    }
    const takesGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
    response.writeHead(200, {
      ...common,
      'content-type': 'text/html; charset=utf-8',
      vary: 'accept-encoding',
      ...(takesGzip && { 'content-encoding': 'gzip' }),
    })
    if (request.method === 'HEAD') response.end()
    else response.end(takesGzip ? packed : gunzipSync(packed))
  }
}
