import type { JSX } from 'react'
import { fromNow, localTime } from './instants.ts'

/** An instant: as far away as it is, and on a closer look to the second. */
export const When = ({ at, exact = false }: { readonly at: string; readonly exact?: boolean }): JSX.Element => (
  <time dateTime={at} title={exact ? `${fromNow(at)}; ${at}` : `${localTime(at)}; ${at}`}>
    {exact ? localTime(at) : fromNow(at)}
  </time>
)
