import { useSyncExternalStore } from 'react'

/** The pages of the console, by the first part of the address behind `#/`. */
export const PLACES = [
  'overview',
  'search',
  'deliveries',
  'delivery',
  'event',
  'recipient',
  'bucket',
  'run',
  'simulate',
  'preview',
  'live',
] as const
export type Place = (typeof PLACES)[number]

/** Which page is shown: its place, of which thing, and how it is narrowed down. Never a secret: addresses are kept and shared. */
export interface Route {
  readonly place: Place
  /** Of the thing shown, where the place shows one; else ''. */
  readonly id: string
  readonly parameters: Readonly<Record<string, string>>
}

/** Reads `#/delivery/ID?a=b`. What names no page is the overview. */
export const readRoute = (hash: string): Route => {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s)
  const [first = '', id = ''] = path.split('/')
  const place = PLACES.find((one) => one === first) ?? 'overview'
  try {
    return { place, id: decodeURIComponent(id), parameters: Object.fromEntries(new URLSearchParams(query)) }
  } catch {
    return { place: 'overview', id: '', parameters: {} }
  }
}

/** The address of a page. Empty parameters are left out. */
export const addressOf = (
  place: Place,
  id = '',
  parameters: Readonly<Record<string, string | undefined>> = {},
): string => {
  const given = Object.entries(parameters).filter((one): one is [string, string] => Boolean(one[1]))
  const query = given.length > 0 ? `?${new URLSearchParams(given)}` : ''
  return `#/${place}${id && `/${encodeURIComponent(id)}`}${query}`
}

export const goTo = (address: string): void => {
  location.hash = address
}

const follow = (changed: () => void): (() => void) => {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}

/** The address behind `#`, as it is now. */
export const useHash = (): string => useSyncExternalStore(follow, () => location.hash)
