const LONGEST_MS = 24 * 60 * 60 * 1_000

/**
 * The wait that a `Retry-After` header asks for, in milliseconds from `now` (epoch milliseconds): seconds or an HTTP
 * date, 24 hours at most, 0 for a date that has passed; `null` where it says nothing that can be read.
 */
export const retryAfterMs = (header: string | string[] | undefined, now: number): number | null => {
  const value = (Array.isArray(header) ? header[0] : header)?.trim()
  if (!value) return null
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, LONGEST_MS)
  // Date.parse alone would take "-5" and "1.5" for years.
  const date = /GMT$|^\w{3} \w{3} /.test(value) ? Date.parse(/GMT$/.test(value) ? value : `${value} GMT`) : Number.NaN
  return Number.isNaN(date) ? null : Math.min(Math.max(date - now, 0), LONGEST_MS)
}
