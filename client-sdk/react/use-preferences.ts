'use client'

import { useCallback, useEffect, useRef, useState } from 'react'
import type { CarillonClientError } from '../error.ts'
import type { PreferenceInput, PreferencesFragment } from '../generated/operations.ts'
import { useCarillon } from './provider.tsx'

export interface UsePreferences {
  readonly status: 'loading' | 'ready' | 'failed'
  /** What applies now, with the changes that the server has not answered yet; `null` until it is loaded. */
  readonly preferences: PreferencesFragment | null
  readonly error: CarillonClientError | null
  /** Changes some; shows at once, and is taken back where the server refuses: then it rejects too. */
  readonly setPreferences: (changes: readonly PreferenceInput[]) => Promise<void>
  readonly reload: () => void
}

interface Waiting {
  readonly changes: readonly PreferenceInput[]
}

const says = (change: PreferenceInput, one: PreferencesFragment['effective'][number]): boolean =>
  (change.notificationKey == null || change.notificationKey === one.notificationKey) &&
  (change.category == null || change.category === one.category) &&
  (change.channel == null || change.channel === one.channel)

/** Foretold as the user meant it; the server's answer says what really applies. */
const foretold = (preferences: PreferencesFragment, waiting: readonly Waiting[]): PreferencesFragment => {
  const changes = waiting.flatMap((one) => one.changes)
  if (changes.length === 0) return preferences
  const effective = preferences.effective.map((one) => {
    const last = one.locked ? undefined : changes.findLast((change) => says(change, one))
    return typeof last?.enabled === 'boolean' ? { ...one, enabled: last.enabled } : one
  })
  return { ...preferences, effective }
}

/** What the recipient wants to hear of, and where. */
export const usePreferences = (): UsePreferences => {
  const { client, recipientId } = useCarillon()
  const [known, setKnown] = useState<PreferencesFragment | null>(null)
  const [error, setError] = useState<CarillonClientError | null>(null)
  const [waiting, setWaiting] = useState<readonly Waiting[]>([])
  const [attempt, setAttempt] = useState(0)
  const last = useRef<Promise<unknown>>(Promise.resolve())

  useEffect(() => {
    const leaving = new AbortController()
    // A further attempt is another request.
    void attempt
    client.preferences({ recipientId: recipientId ?? null }, { signal: leaving.signal }).then(
      (preferences) => {
        setKnown(preferences)
        setError(null)
      },
      (reason: CarillonClientError) => {
        if (!leaving.signal.aborted) setError(reason)
      },
    )
    return () => leaving.abort()
  }, [client, recipientId, attempt])

  const setPreferences = useCallback(
    async (changes: readonly PreferenceInput[]): Promise<void> => {
      const one: Waiting = { changes }
      setWaiting((others) => [...others, one])
      // One after another: the last one made is the last one heard.
      const sent = last.current.then(() =>
        client.setPreferences({ recipientId: recipientId ?? null, preferences: [...changes] }),
      )
      last.current = sent.catch(() => {})
      try {
        const { preferences } = await sent
        setKnown(preferences)
      } finally {
        setWaiting((others) => others.filter((other) => other !== one))
      }
    },
    [client, recipientId],
  )

  return {
    status: known ? 'ready' : error ? 'failed' : 'loading',
    preferences: known && foretold(known, waiting),
    error,
    setPreferences,
    reload: useCallback(() => setAttempt((count) => count + 1), []),
  }
}
