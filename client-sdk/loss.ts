import { type AnsweredError, CarillonClientError, errorOfAnswer, wordsOf } from './error.ts'

/** Why a subscription broke off. */
export interface Loss {
  readonly error: CarillonClientError
  /** Whether it is worth coming back. */
  readonly transient: boolean
}

const TRANSIENT: ReadonlySet<CarillonClientError['code']> = new Set([
  'NETWORK_ERROR',
  'TOKEN_FAILED',
  'UNAVAILABLE',
  'RATE_LIMITED',
  'INTERNAL',
])

/** 4401 and 4403: the credential was refused, or has ended. */
const REFUSED: ReadonlySet<number> = new Set([4401, 4403])
/** The two do not understand each other, and will not next time: of RFC 6455, and of graphql-transport-ws. */
const MISUNDERSTOOD: ReadonlySet<number> = new Set([1002, 1003, 1007, 1009, 1010, 4004, 4400, 4406])

export const lossBy = (error: CarillonClientError): Loss => ({ error, transient: TRANSIENT.has(error.code) })

const lossByClose = (url: string, { code, reason }: { readonly code: number; readonly reason: string }): Loss => {
  const words = reason ? `${code} ${reason}` : `${code}`
  if (MISUNDERSTOOD.has(code))
    return lossBy(new CarillonClientError('BAD_RESPONSE', `${url} cannot be talked with: it closed with ${words}`))
  return lossBy(new CarillonClientError('NETWORK_ERROR', `The socket to ${url} was closed with ${words}`))
}

/** Reads what graphql-ws ended a subscription with: errors of an answer, a close event, or an error. */
export const readLoss = (
  reason: unknown,
  {
    url,
    renewable,
    tokenError,
  }: {
    readonly url: string
    /** Whether a refused token can be replaced. */
    readonly renewable: boolean
    /** Why the socket was opened without a token, where it was. */
    readonly tokenError: CarillonClientError | null
  },
): Loss => {
  if (Array.isArray(reason)) {
    const error = errorOfAnswer(reason as AnsweredError[])
    return error.code === 'UNAUTHENTICATED' ? { error, transient: renewable } : lossBy(error)
  }
  const { code, reason: words } = (reason ?? {}) as { readonly code?: unknown; readonly reason?: unknown }
  if (typeof code === 'number') {
    if (!REFUSED.has(code)) return lossByClose(url, { code, reason: String(words ?? '') })
    if (tokenError) return lossBy(tokenError)
    const message = `${url} refused the token: it is not valid, or not any more`
    return { error: new CarillonClientError('UNAUTHENTICATED', message), transient: renewable }
  }
  return lossBy(new CarillonClientError('NETWORK_ERROR', `Cannot reach ${url}: ${wordsOf(reason)}`, { cause: reason }))
}
