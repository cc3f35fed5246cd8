'use client'

import { type CSSProperties, type JSX, useEffect, useState } from 'react'
import type { InboxStore } from '../inbox-store/index.ts'
import type { InboxLabels } from './labels.ts'

/** Read out, and not seen, with or without the stylesheet. */
export const UNSEEN: CSSProperties = {
  position: 'absolute',
  width: 1,
  height: 1,
  margin: -1,
  padding: 0,
  border: 0,
  overflow: 'hidden',
  clipPath: 'inset(50%)',
  whiteSpace: 'nowrap',
}

/** Tells a screen reader of what arrives, without moving anybody's focus. */
export const Announcer = ({
  store,
  arrived,
}: {
  readonly store: InboxStore
  readonly arrived: InboxLabels['arrived']
}): JSX.Element => {
  const [said, say] = useState({ text: '', times: 0 })
  useEffect(
    () =>
      store.onArrival((items) => {
        const title = items.at(-1)?.content?.title ?? ''
        say(({ times }) => ({ text: arrived(items.length, title), times: times + 1 }))
      }),
    [store, arrived],
  )
  return (
    <div role="status" style={UNSEEN}>
      {/* The same words twice are news only to what sees another element. */}
      <span key={said.times}>{said.text}</span>
    </div>
  )
}
