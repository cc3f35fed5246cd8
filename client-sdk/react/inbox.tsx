'use client'

import { type JSX, type MouseEvent, type ReactNode, useCallback, useEffect, useId, useRef, useState } from 'react'
import type { CarillonClientError } from '../error.ts'
import type { InboxItem, InboxListFilter } from '../inbox-store/index.ts'
import { Feed } from './feed.tsx'
import type { ItemAct } from './item.tsx'
import type { InboxLabels } from './labels.ts'
import { useCarillon } from './provider.tsx'
import { useInbox, useInboxCounts } from './use-inbox.ts'

/** A part of the inbox with a button of its own. */
export interface InboxView {
  readonly label: string
  readonly filter: InboxListFilter
  /** What stands there where it is empty. */
  readonly empty?: string | undefined
}

export interface InboxProps {
  /** Default: all, unread, snoozed, archived. With a single one, no buttons are shown. */
  readonly views?: readonly InboxView[] | undefined
  /**
   * Somebody clicked an item, or pressed Enter on it: it has been marked as read. The place to follow its
   * `primaryAction` with your router; links inside work by themselves.
   */
  readonly onOpen?: ((item: InboxItem, event: MouseEvent) => void) | undefined
  /** Until when the button of an item snoozes it; default: nine o'clock tomorrow, in the browser's time zone. */
  readonly snoozeUntil?: ((now: Date) => Date) | undefined
  /** Shows an item's content your way. */
  readonly renderContent?: ((item: InboxItem) => ReactNode) | undefined
  /** Default: the label `inbox`. */
  readonly heading?: ReactNode | undefined
  /** Shown at the end of the header. */
  readonly headerEnd?: ReactNode | undefined
}

/** By the calendar, not by 24 hours: clocks change. */
const tomorrowAtNine = (now: Date): Date => new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 9)

const defaultViews = (labels: InboxLabels): readonly InboxView[] => [
  { label: labels.all, filter: {}, empty: labels.empty },
  { label: labels.unread, filter: { read: false }, empty: labels.emptyUnread },
  { label: labels.snoozed, filter: { snoozed: true }, empty: labels.emptySnoozed },
  { label: labels.archived, filter: { archived: true }, empty: labels.emptyArchived },
]

/** A live inbox: a list with as many items as there are, marks, and views, for mouse, keyboard and screen reader. */
export const Inbox = ({
  views,
  onOpen,
  snoozeUntil = tomorrowAtNine,
  renderContent,
  heading,
  headerEnd,
}: InboxProps): JSX.Element => {
  const { labels, theme } = useCarillon()
  const shownViews = views ?? defaultViews(labels)
  const [chosen, choose] = useState(0)
  const view = shownViews[chosen] ?? shownViews[0] ?? { label: labels.all, filter: {} }
  const inbox = useInbox(view.filter)
  const { unread } = useInboxCounts()
  const [refusal, setRefusal] = useState<CarillonClientError | null>(null)
  const headingId = useId()
  const nothing = useRef<HTMLParagraphElement>(null)
  const { connection, status, items } = inbox

  const run = useCallback((marking: Promise<unknown>) => {
    setRefusal(null)
    marking.catch(setRefusal)
  }, [])
  const { markRead } = inbox
  const act = useCallback(
    (one: ItemAct, { id }: InboxItem) =>
      run(one === 'snooze' ? inbox.snooze({ ids: [id], until: snoozeUntil(new Date()) }) : inbox[one]({ ids: [id] })),
    [inbox, run, snoozeUntil],
  )
  const open = useCallback(
    (item: InboxItem, event: MouseEvent) => {
      if (item.readAt === null) run(markRead({ ids: [item.id] }))
      onOpen?.(item, event)
    },
    [markRead, onOpen, run],
  )
  // The focus is not lost with the last item.
  const isEmpty = items.length === 0
  const wasEmpty = useRef(true)
  useEffect(() => {
    if (isEmpty && !wasEmpty.current && document.activeElement === document.body) nothing.current?.focus()
    wasEmpty.current = isEmpty
  }, [isEmpty])
  const failed = connection === 'failed' || (status === 'failed' && connection !== 'offline')

  return (
    <section className="carillon carillon-inbox" data-theme={theme} aria-labelledby={headingId}>
      <header className="carillon-header">
        <h2 className="carillon-heading" id={headingId}>
          {heading ?? labels.inbox}
        </h2>
        <button
          type="button"
          className="carillon-mark-all"
          // It keeps the focus when it has nothing more to do.
          aria-disabled={unread === 0}
          onClick={() => unread > 0 && run(markRead({ filter: {} }))}
        >
          {labels.markAllRead}
        </button>
        {headerEnd}
      </header>
      {shownViews.length > 1 ? (
        <fieldset className="carillon-views" aria-label={labels.views}>
          {shownViews.map(({ label }, index) => (
            <button key={label} type="button" aria-pressed={index === chosen} onClick={() => choose(index)}>
              {label}
            </button>
          ))}
        </fieldset>
      ) : null}
      {connection === 'offline' ? (
        <p className="carillon-notice" role="status">
          {labels.offline}
        </p>
      ) : null}
      {failed ? (
        <p className="carillon-notice" role="alert">
          {labels.failed}{' '}
          <button type="button" onClick={inbox.reload}>
            {labels.retry}
          </button>
        </p>
      ) : null}
      {refusal ? (
        <p className="carillon-notice" role="alert">
          {labels.notDone(refusal)}{' '}
          <button type="button" onClick={() => setRefusal(null)}>
            {labels.dismiss}
          </button>
        </p>
      ) : null}
      {items.length > 0 ? (
        <Feed
          key={view.label}
          inbox={inbox}
          label={view.label}
          onAct={act}
          onOpen={open}
          renderContent={renderContent}
        />
      ) : (
        <p ref={nothing} className="carillon-empty" tabIndex={-1}>
          {status === 'ready' ? (view.empty ?? labels.empty) : failed ? null : labels.loading}
        </p>
      )}
    </section>
  )
}
