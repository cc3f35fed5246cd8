import type { IncomingMessage, ServerResponse } from 'node:http'

/** Which pages of browsers may ask. */
export interface Origins {
  /** Says in an answer's headers whether the page that asks may read it. */
  tell(request: IncomingMessage, response: ServerResponse): void
  /** The same, and what it may send, for the question that a browser asks first. */
  tellBefore(request: IncomingMessage, response: ServerResponse): void
  /** Whether a socket may be opened from there; browsers do not ask before. What is no browser names no origin. */
  mayConnect(request: IncomingMessage): boolean
}

const isOwn = (origin: string, host: string | undefined): boolean => {
  try {
    return new URL(origin).host === host
  } catch {
    return false
  }
}

/** `allowed`: such as `https://app.example.com`; `null` for all, since no browser adds a credential by itself. */
export const originsOf = (allowed: readonly string[] | null): Origins => {
  const known = allowed && new Set(allowed)
  const tell: Origins['tell'] = ({ headers: { origin } }, response) => {
    if (!known) response.setHeader('access-control-allow-origin', '*')
    else {
      response.setHeader('vary', 'origin')
      if (origin === undefined || !known.has(origin)) return
      response.setHeader('access-control-allow-origin', origin)
    }
    response.setHeader('access-control-expose-headers', 'retry-after')
  }
  return {
    tell,
    tellBefore(request, response) {
      tell(request, response)
      if (!response.hasHeader('access-control-allow-origin')) return
      response.setHeader('access-control-allow-methods', 'GET, POST')
      response.setHeader('access-control-allow-headers', 'authorization, content-type, accept, traceparent, tracestate')
      response.setHeader('access-control-max-age', '86400')
    },
    mayConnect: ({ headers: { origin, host } }) =>
      !known || origin === undefined || known.has(origin) || isOwn(origin, host),
  }
}
