'use client'

import { type JSX, type MouseEvent, memo, type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import type { InboxItem } from '../inbox-store/index.ts'
import { UNSEEN } from './announcer.tsx'
import { useCarillon } from './provider.tsx'
import { RelativeTime } from './time.tsx'

export type ItemAct = 'markRead' | 'markUnread' | 'archive' | 'unarchive' | 'snooze' | 'unsnooze'

export interface ItemProps {
  readonly item: InboxItem
  readonly position: number
  /** How many there are; -1 where nobody knows yet. */
  readonly setSize: number
  readonly top: number
  /** Whether the keyboard is here: one item of the list is in the tab order, with its buttons. */
  readonly active: boolean
  readonly measure: (key: string, element: HTMLElement | null) => void
  readonly onAct: (act: ItemAct, item: InboxItem) => void
  readonly onOpen: (item: InboxItem, event: MouseEvent) => void
  readonly renderContent: ((item: InboxItem) => ReactNode) | undefined
}

/** Ticks, dots and boxes as lines on a square of 16. */
const ICONS: Readonly<Record<ItemAct, string>> = {
  markRead: 'M3 8.5 6.5 12 13 4.5',
  markUnread: 'M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7Z',
  archive: 'M2.5 3h11v3h-11zM3.5 6v7h9V6M6.5 8.75h3',
  unarchive: 'M2.5 9.5V13h11V9.5M8 10V3M5 6l3-3 3 3',
  snooze: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11ZM8 5v3.2l2 1.6',
  unsnooze: 'M2.5 9.5V13h11V9.5M8 10V3M5 6l3-3 3 3',
}

const SAFE = new Set(['http:', 'https:', 'mailto:', 'tel:'])

/** A link's address where it leads somewhere; nothing where it would run something. */
export const safeUrl = (url: string): string | undefined => {
  try {
    return SAFE.has(new URL(url, 'https://relative.invalid').protocol) ? url : undefined
  } catch {
    return undefined
  }
}

const Content = ({ item, titleId }: { readonly item: InboxItem; readonly titleId: string }): JSX.Element => {
  const { labels, locale } = useCarillon()
  const { content, arrivedAt, readAt } = item
  const actions = [content?.primaryAction, content?.secondaryAction]
  return (
    <>
      <h3 className="carillon-title" id={titleId}>
        {readAt === null ? <span style={UNSEEN}>{labels.isUnread}: </span> : null}
        {content?.title}
      </h3>
      {content?.body ? <p className="carillon-body">{content.body}</p> : null}
      {actions.some(Boolean) ? (
        <p className="carillon-links">
          {actions.map((action, index) => {
            const href = action ? safeUrl(action.url) : undefined
            return action && href ? (
              <a key={href + action.label} href={href} data-primary={index === 0 || undefined}>
                {action.label}
              </a>
            ) : null
          })}
        </p>
      ) : null}
      {arrivedAt ? <RelativeTime instant={arrivedAt} locale={locale} /> : null}
    </>
  )
}

/** One notification in the list. */
export const Item = memo(function Item(props: ItemProps): JSX.Element {
  const { item, position, setSize, top, active, measure, onAct, onOpen, renderContent } = props
  const { labels } = useCarillon()
  const element = useRef<HTMLElement>(null)
  const titleId = useId()
  useLayoutEffect(() => {
    measure(item.id, element.current)
  }, [measure, item])

  const button = (act: ItemAct, label: string): JSX.Element => (
    <button
      type="button"
      className="carillon-act"
      title={label}
      aria-describedby={titleId}
      tabIndex={active ? 0 : -1}
      onClick={(event) => {
        event.stopPropagation()
        onAct(act, item)
      }}
    >
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
        <path d={ICONS[act]} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
      </svg>
      <span style={UNSEEN}>{label}</span>
    </button>
  )

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list hears Enter for all of its items.
    <article
      ref={element}
      className="carillon-item"
      data-id={item.id}
      data-unread={item.readAt === null || undefined}
      data-unseen={item.seenAt === null || undefined}
      aria-posinset={position + 1}
      aria-setsize={setSize}
      aria-labelledby={titleId}
      tabIndex={active ? 0 : -1}
      style={{ position: 'absolute', insetInline: 0, top: 0, transform: `translateY(${top}px)` }}
      onClick={(event) => onOpen(item, event)}
    >
      <div className="carillon-content">
        {renderContent ? <div id={titleId}>{renderContent(item)}</div> : <Content item={item} titleId={titleId} />}
      </div>
      <div className="carillon-acts">
        {item.readAt === null ? button('markRead', labels.markRead) : button('markUnread', labels.markUnread)}
        {item.archivedAt === null ? button('archive', labels.archive) : button('unarchive', labels.unarchive)}
        {item.archivedAt === null && item.snoozedUntil === null ? button('snooze', labels.snooze) : null}
        {item.snoozedUntil === null ? null : button('unsnooze', labels.unsnooze)}
      </div>
    </article>
  )
})
