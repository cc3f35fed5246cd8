const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
]

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** `3 min. ago`, `in 2 hr.` */
export const fromNow = (at: string, now: number = Date.now()): string => {
  const distance = Date.parse(at) - now
  const [unit, length] = UNITS.find(([, size]) => Math.abs(distance) >= size) ?? (['second', 1_000] as const)
  return relative.format(Math.trunc(distance / length), unit)
}

/** `22 Nov 11:20:05`, in the zone of whoever looks. */
export const localTime = (at: string): string => `${day.format(new Date(at))} ${time.format(new Date(at))}`

/** A length of time in words: `120 ms`, `45 s`, `3 min`, `2 h`. */
export const lengthWords = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const [unit, length] = UNITS.find(([, size]) => ms >= size) ?? (['second', 1_000] as const)
  return `${Math.round(ms / length)} ${{ day: 'd', hour: 'h', minute: 'min', second: 's' }[unit as string] ?? 's'}`
}

/** How long back a list goes, by what stands in the address. */
export const SPANS = {
  '1h': { words: 'the last hour', ms: 3_600_000 },
  '24h': { words: 'the last 24 hours', ms: 86_400_000 },
  '7d': { words: 'the last 7 days', ms: 7 * 86_400_000 },
  '30d': { words: 'the last 30 days', ms: 30 * 86_400_000 },
} as const
export type Span = keyof typeof SPANS

export const spanOf = (text: string | undefined, otherwise: Span): Span =>
  text !== undefined && Object.hasOwn(SPANS, text) ? (text as Span) : otherwise

/** Since when, by whole steps of so many minutes, so that asking again soon asks the same. */
export const sinceOf = (span: Span, stepMinutes = 1, now: number = Date.now()): string => {
  const step = stepMinutes * 60_000
  return new Date(Math.ceil((now - SPANS[span].ms) / step) * step).toISOString()
}
