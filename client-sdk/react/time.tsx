'use client'

import { type JSX, useSyncExternalStore } from 'react'

const TICK_MS = 30_000

const listeners = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined

/** One clock for however many times are shown. */
const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  ticking ??= setInterval(() => {
    for (const one of listeners) one()
  }, TICK_MS)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }
}

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** How long ago an instant was, in words: "5 minutes ago". */
export const relativeTime = (instant: string, now: number, locale?: string): string => {
  const seconds = Math.min(0, Math.round((Date.parse(instant) - now) / 1_000))
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
  const [unit, size] = UNITS.find(([, one]) => -seconds >= one) ?? ['second', 1]
  // Less than a minute ago is now, whatever the clocks of the two say.
  return unit === 'second' ? format.format(0, 'second') : format.format(Math.ceil(seconds / size), unit)
}

/** An instant, as long ago, with the date and time beside it for those who ask. */
export const RelativeTime = ({
  instant,
  locale,
}: {
  readonly instant: string
  readonly locale: string | undefined
}): JSX.Element => {
  useSyncExternalStore(
    subscribe,
    () => Math.floor(Date.now() / TICK_MS),
    () => 0,
  )
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' }).format(new Date(instant))
  return (
    <time className="carillon-time" dateTime={instant} title={exact}>
      {relativeTime(instant, Date.now(), locale)}
    </time>
  )
}
