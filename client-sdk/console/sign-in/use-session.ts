import { useCallback, useEffect, useMemo, useState } from 'react'
import { givenKey, keepKey, keptKey } from '../kept-key.ts'
import type { Session } from '../session.ts'
import { type Opened, openSession } from './open-session.ts'

interface Door {
  readonly opened: Opened | null
  readonly words: string | null
  readonly busy: boolean
}

const sessionOf = ({ client, tenantId, vocabulary }: Opened, signOut: Session['signOut']): Session => {
  const meanings = new Map(vocabulary.reasons.map(({ code, description }) => [code, description]))
  const channels = [...new Set(vocabulary.notifiers.flatMap((notifier) => notifier.channels))].sort()
  return {
    client,
    tenantId,
    channels,
    notifiers: vocabulary.notifiers,
    meaningOf: (code) => meanings.get(code) ?? null,
    signOut,
  }
}

/** Signs in, with the key that this tab has or with the one that is typed, and out again. */
export const useSignIn = () => {
  const [door, setDoor] = useState<Door>({ opened: null, words: null, busy: keptKey() !== null })

  const signIn = useCallback(async (key: string) => {
    setDoor((before) => ({ ...before, busy: true }))
    try {
      const opened = await openSession(key)
      keepKey(key)
      setDoor({ opened, words: null, busy: false })
    } catch (error) {
      setDoor({ opened: null, words: (error as Error).message, busy: false })
    }
  }, [])

  const signOut = useCallback((words?: string) => {
    keepKey(null)
    setDoor(({ opened }) => {
      opened?.client.close()
      return { opened: null, words: words ?? null, busy: false }
    })
  }, [])

  useEffect(() => {
    const kept = keptKey()
    if (kept !== null) void signIn(kept)
  }, [signIn])

  const session = useMemo(() => (door.opened ? sessionOf(door.opened, signOut) : null), [door.opened, signOut])
  return { session, signIn, words: door.words, busy: door.busy, given: givenKey() ?? '' }
}
