import type { Credential } from './credential.ts'
import { type AnsweredError, CarillonClientError, type ErrorDetails, errorOfAnswer, wordsOf } from './error.ts'
import type { ErrorCode } from './generated/operations.ts'
import type { AskedDocument } from './typed-document.ts'

export interface RequestOptions {
  /** Ends the request; it then rejects with the signal's reason. What was asked may have been done all the same. */
  readonly signal?: AbortSignal | undefined
}

export interface HttpOptions {
  readonly url: string
  readonly credential: Credential
  readonly fetch: typeof globalThis.fetch | undefined
  readonly timeoutMs: number
}

/** Sends a query or mutation, and answers its data. */
export type SendRequest = (document: AskedDocument, variables: unknown, options?: RequestOptions) => Promise<unknown>

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly retryAfter: string | null
  readonly text: string
}

/** What a status means where whoever answered does not say it in GraphQL. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  429: 'RATE_LIMITED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
}

const secondsOf = (retryAfter: string | null): number | null => {
  if (retryAfter === null) return null
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000
  return Number.isNaN(seconds) ? null : Math.max(0, Math.ceil(seconds))
}

const parse = (text: string): { readonly data?: unknown; readonly errors?: readonly AnsweredError[] } | null => {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' ? body : null
  } catch {
    return null
  }
}

const notGraphQL = (url: string, { status, contentType }: Answer, details: ErrorDetails): CarillonClientError => {
  const code = CODE_OF_STATUS[status]
  const what = `${url} answered ${status} with ${contentType || 'nothing'} instead of GraphQL`
  return code
    ? new CarillonClientError(code, what, details)
    : new CarillonClientError('BAD_RESPONSE', `${what}: url must be the address of Carillon's /graphql`, details)
}

const dataOf = (url: string, answer: Answer): unknown => {
  const details = { status: answer.status, retryAfterSeconds: secondsOf(answer.retryAfter) }
  const body = parse(answer.text)
  if (Array.isArray(body?.errors) && body.errors.length > 0) throw errorOfAnswer(body.errors, details)
  if (body?.data === undefined || body.data === null) throw notGraphQL(url, answer, details)
  return body.data
}

/** Requests by `fetch`, each answered with data or one {@link CarillonClientError}. None is repeated but after a 401. */
export const createHttp = ({ url, credential, fetch, timeoutMs }: HttpOptions): SendRequest => {
  const post = async (body: string, token: string, signal: AbortSignal | undefined): Promise<Answer> => {
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      // Looked up at each call, and called bare: a page may wrap it, and browsers' fetch wants no `this`.
      const response = await (fetch ?? globalThis.fetch)(url, {
        method: 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
        },
        body,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      })
      return {
        status: response.status,
        contentType: response.headers.get('content-type') ?? '',
        retryAfter: response.headers.get('retry-after'),
        text: await response.text(),
      }
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      const why = timeout.aborted ? `no answer within ${timeoutMs / 1000} s` : wordsOf(cause)
      throw new CarillonClientError('NETWORK_ERROR', `Cannot reach ${url}: ${why}`, { cause })
    }
  }

  return async (document, variables, { signal } = {}) => {
    const body = JSON.stringify({ ...document, variables })
    const token = await credential.current()
    const answer = await post(body, token, signal)
    // A refused request has done nothing, so it may be repeated.
    if (answer.status !== 401 || !credential.renewable) return dataOf(url, answer)
    const renewed = await credential.renew(token)
    return dataOf(url, renewed === token ? answer : await post(body, renewed, signal))
  }
}
