import { createContext, useContext } from 'react'
import type { CarillonClient } from '../client.ts'
import type { VocabularyQuery } from './generated/operations.ts'

export type Notifier = VocabularyQuery['notifiers'][number]

/** Who is signed in, and what everything on the pages is told with. */
export interface Session {
  readonly client: CarillonClient
  readonly tenantId: string
  readonly notifiers: readonly Notifier[]
  /** The channels that any notifier may use, in order of name. */
  readonly channels: readonly string[]
  /** What a reason's code means; `null` where the server has not said. */
  readonly meaningOf: (code: string) => string | null
  /** Forgets the key; with words, the page to sign in shows them. */
  readonly signOut: (words?: string) => void
}

const SessionContext = createContext<Session | null>(null)
export const SessionProvider = SessionContext.Provider

/** Whoever is signed in; only pages behind the sign-in ask. */
export const useSession = (): Session => {
  const session = useContext(SessionContext)
  if (!session) throw new Error('There is a session on every page but the one to sign in')
  return session
}
