/** The share of its life after which a token is replaced, so that a slow network and a slow login fit in the rest. */
const RENEW_AT = 0.8

const claimsOf = (token: string): { readonly exp?: unknown; readonly iat?: unknown } | null => {
  try {
    const base64 = (token.split('.')[1] as string).replaceAll('-', '+').replaceAll('_', '/')
    return JSON.parse(atob(base64)) as { readonly exp?: unknown }
  } catch {
    return null
  }
}

/**
 * In how many milliseconds a token should be replaced; `null` for one that does not say when it ends, such as an API
 * key. A clock here that is wrong makes it early or late by a part of its life, and no more.
 */
export const renewIn = (token: string, now: number): number | null => {
  const { exp, iat } = claimsOf(token) ?? {}
  if (typeof exp !== 'number') return null
  const left = exp * 1_000 - now
  const life = typeof iat === 'number' ? (exp - iat) * 1_000 : left
  return Math.max(0, RENEW_AT * (left > 0 && left < life ? left : life))
}
