'use client'

import { createContext, type JSX, type ReactNode, useContext, useMemo, useState } from 'react'
import type { CarillonClient } from '../client.ts'
import { createInboxStore, type InboxStore } from '../inbox-store/index.ts'
import { Announcer } from './announcer.tsx'
import { ENGLISH, type InboxLabels } from './labels.ts'

export interface CarillonContext {
  readonly client: CarillonClient
  readonly store: InboxStore
  readonly recipientId: string | undefined
  readonly labels: InboxLabels
  /** A BCP 47 tag, for dates and numbers; the browser's where left out. */
  readonly locale: string | undefined
  readonly theme: Theme
}

/** `auto` follows the system's setting. */
export type Theme = 'auto' | 'light' | 'dark'

const Context = createContext<CarillonContext | null>(null)

export interface CarillonProviderProps {
  /** Of `createClient`, made once outside of rendering, with a recipient's token. */
  readonly client: CarillonClient
  /** Whose inbox, for an operator's client. */
  readonly recipientId?: string | undefined
  /** How many notifications a page has; default 30, at most 100. */
  readonly pageSize?: number | undefined
  /** Texts in another language; English for what is left out. */
  readonly labels?: Partial<InboxLabels> | undefined
  readonly locale?: string | undefined
  /** Default: `auto`. */
  readonly theme?: Theme | undefined
  /** Whether arrivals are read out to those who use a screen reader, wherever on the page they are. Default: true. */
  readonly announce?: boolean | undefined
  readonly children?: ReactNode
}

/**
 * Gives one recipient's inbox to everything inside. All hooks and components below share one stream, which runs as long
 * as one of them is on the page. For another recipient give another `key`.
 */
export const CarillonProvider = ({
  client,
  recipientId,
  pageSize,
  labels,
  locale,
  theme = 'auto',
  announce = true,
  children,
}: CarillonProviderProps): JSX.Element => {
  const [store] = useState(() => createInboxStore(client, { recipientId, pageSize }))
  const value = useMemo<CarillonContext>(
    () => ({ client, store, recipientId, labels: { ...ENGLISH, ...labels }, locale, theme }),
    [client, store, recipientId, labels, locale, theme],
  )
  return (
    <Context.Provider value={value}>
      {children}
      {announce ? <Announcer store={store} arrived={value.labels.arrived} /> : null}
    </Context.Provider>
  )
}

/** What the provider above gives: the client, the store, and the texts. */
export const useCarillon = (): CarillonContext => {
  const value = useContext(Context)
  if (!value) throw new Error('There is no CarillonProvider above this component')
  return value
}
