import { useCallback, useEffect, useRef, useState } from 'react'
import type { TypedDocument } from '../typed-document.ts'
import { isRefused } from './fault-words.ts'
import { useSession } from './session.ts'

export interface Answer<Data> {
  /** The latest answer; it stays while the next is on its way. */
  readonly data: Data | null
  readonly fault: unknown
  readonly loading: boolean
  /** Asks again. */
  readonly reload: () => void
}

const REVOKED = 'This key is not valid any more: it was revoked. Sign in with another one.'

/**
 * Asks a query, and again whenever its variables change, or every `everyMs` while the page is looked at. `null` variables
 * ask nothing. A key that is refused ends the session.
 */
export const useAnswer = <Data, Variables>(
  document: TypedDocument<Data, Variables>,
  variables: Variables | null,
  { everyMs }: { readonly everyMs?: number } = {},
): Answer<Data> => {
  const { client, signOut } = useSession()
  const [told, tell] = useState<{ readonly data: Data | null; readonly fault: unknown; readonly asked: string | null }>(
    {
      data: null,
      fault: null,
      asked: null,
    },
  )
  const [turn, setTurn] = useState(0)
  const reload = useCallback(() => setTurn((number) => number + 1), [])
  const latest = useRef(variables)
  latest.current = variables
  const asked = variables === null ? null : `${turn} ${JSON.stringify(variables)}`

  useEffect(() => {
    if (asked === null) return
    const ended = new AbortController()
    const ask = client.request as (document: unknown, variables: unknown, options: unknown) => Promise<Data>
    ask(document, latest.current, { signal: ended.signal }).then(
      (data) => tell({ data, fault: null, asked }),
      (fault) => {
        if (ended.signal.aborted) return
        if (isRefused(fault)) signOut(REVOKED)
        else tell((before) => ({ data: before.data, fault, asked }))
      },
    )
    return () => ended.abort()
  }, [asked, client, document, signOut])

  useEffect(() => {
    if (everyMs === undefined) return
    const timer = setInterval(() => {
      if (globalThis.document.visibilityState === 'visible') reload()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, reload])

  return { data: told.data, fault: told.fault, loading: asked !== null && told.asked !== asked, reload }
}
