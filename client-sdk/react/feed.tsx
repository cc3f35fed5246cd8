'use client'

import {
  type JSX,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import type { InboxItem } from '../inbox-store/index.ts'
import { Item, type ItemAct } from './item.tsx'
import { useCarillon } from './provider.tsx'
import type { UseInbox } from './use-inbox.ts'
import { useWindow } from './use-window.ts'

/** An item's height until it has been measured, in pixels. */
const ESTIMATE = 92
/** How long an item is looked at before it counts as seen. */
const SEEN_AFTER_MS = 400
/** Further than this from the top, what arrives above is offered instead of shown. */
const SCROLLED_PX = 24

const STEPS: Readonly<Record<string, (index: number, count: number) => number>> = {
  ArrowDown: (index) => index + 1,
  ArrowUp: (index) => index - 1,
  PageDown: (index) => index + 5,
  PageUp: (index) => index - 5,
  Home: () => 0,
  End: (_, count) => count - 1,
}

/** Marks what stands in view as seen, a little later and all at once. */
const useSeen = (
  items: readonly InboxItem[],
  [first, end]: readonly [number, number],
  markSeen: UseInbox['markSeen'],
) => {
  const asked = useRef(new Set<string>())
  useEffect(() => {
    const look = (): void => {
      if (document.visibilityState !== 'visible') return
      const ids = items
        .slice(first, end)
        .filter(({ id, seenAt, arrivedAt }) => seenAt === null && !asked.current.has(`${id} ${arrivedAt}`))
        .map(({ id, arrivedAt }) => {
          asked.current.add(`${id} ${arrivedAt}`)
          return id
        })
      // Nobody waits for it, and it comes by itself another time.
      if (ids.length > 0) markSeen({ ids }).catch(() => {})
    }
    const timer = setTimeout(look, SEEN_AFTER_MS)
    document.addEventListener('visibilitychange', look)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [items, first, end, markSeen])
}

/** The items of a list, as many of them as can be seen, with one tab stop and arrow keys within. */
export const Feed = ({
  inbox,
  label,
  onAct,
  onOpen,
  renderContent,
}: {
  readonly inbox: UseInbox
  readonly label: string
  readonly onAct: (act: ItemAct, item: InboxItem) => void
  readonly onOpen: (item: InboxItem, event: MouseEvent) => void
  readonly renderContent: ((item: InboxItem) => ReactNode) | undefined
}): JSX.Element => {
  const { labels, store } = useCarillon()
  const { items, hasMore, isLoadingMore, loadMore, error } = inbox
  const scroller = useRef<HTMLDivElement>(null)
  const keys = useMemo(() => items.map(({ id }) => id), [items])
  const rows = useWindow(keys, { scroller, estimate: ESTIMATE })
  const [activeId, setActiveId] = useState<string | null>(null)
  const [above, setAbove] = useState(0)
  /** Where the focus is to go once what it goes to is on the page. */
  const focusNext = useRef<number | null>(null)
  const activeIndex = Math.max(0, activeId === null ? 0 : keys.indexOf(activeId))

  useSeen(items, rows.visible, inbox.markSeen)

  const nearEnd = rows.end >= items.length
  useEffect(() => {
    if (nearEnd && hasMore && !isLoadingMore && !error) void loadMore()
  }, [nearEnd, hasMore, isLoadingMore, error, loadMore])

  useEffect(
    () =>
      store.onArrival((arrived) => {
        if ((scroller.current?.scrollTop ?? 0) > SCROLLED_PX) setAbove((count) => count + arrived.length)
      }),
    [store],
  )
  const atTop = rows.visible[0] === 0
  useEffect(() => {
    if (atTop) setAbove(0)
  }, [atTop])

  const focusAt = (index: number): void => {
    const place = Math.max(0, Math.min(index, keys.length - 1))
    focusNext.current = place
    setActiveId(keys[place] ?? null)
    rows.scrollTo(place)
  }

  useLayoutEffect(() => {
    const wanted = focusNext.current
    if (wanted === null || !scroller.current) return
    const key = keys[Math.min(wanted, keys.length - 1)]
    const target =
      key === undefined
        ? scroller.current
        : [...scroller.current.querySelectorAll<HTMLElement>('article')].find(({ dataset }) => dataset['id'] === key)
    if (!target) return
    focusNext.current = null
    target.focus({ preventScroll: true })
  })

  const act = useCallback(
    (one: ItemAct, item: InboxItem): void => {
      const index = keys.indexOf(item.id)
      onAct(one, item)
      // It may have left the list, and the focus must not be lost with it.
      const left = store.list(inbox.filter).getSnapshot().items
      if (left.some(({ id }) => id === item.id)) return
      focusNext.current = index
      setActiveId(left[Math.min(index, left.length - 1)]?.id ?? null)
    },
    [keys, onAct, store, inbox.filter],
  )

  const onKeyDown = (event: KeyboardEvent): void => {
    const article = (event.target as HTMLElement).closest('article')
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const step = STEPS[event.key]
    if (step) {
      event.preventDefault()
      focusAt(article ? step(activeIndex, keys.length) : activeIndex)
    } else if (event.key === 'Enter' && event.target === article) {
      event.preventDefault()
      const link = article?.querySelector<HTMLElement>('a[data-primary]')
      ;(link ?? article)?.click()
    }
  }

  const shown = Array.from({ length: Math.max(0, rows.end - rows.first) }, (_, index) => rows.first + index)
  // The focus stays on the page, however far away it is scrolled.
  if (activeIndex < items.length && (activeIndex < rows.first || activeIndex >= rows.end)) shown.push(activeIndex)

  return (
    <div className="carillon-feed-frame">
      {above > 0 ? (
        <button type="button" className="carillon-new-above" onClick={() => focusAt(0)}>
          {labels.newAbove(above)}
        </button>
      ) : null}
      <div
        ref={scroller}
        className="carillon-feed"
        role="feed"
        aria-label={label}
        aria-busy={isLoadingMore}
        tabIndex={-1}
        style={{ overflowY: 'auto', overflowAnchor: 'none' }}
        onKeyDown={onKeyDown}
        onFocus={(event) => {
          const id = event.target.closest<HTMLElement>('article')?.dataset['id']
          if (id !== undefined) setActiveId(id)
        }}
      >
        <div role="presentation" style={{ position: 'relative', height: rows.height }}>
          {shown.map((index) => {
            const item = items[index] as InboxItem
            return (
              <Item
                key={item.id}
                item={item}
                position={index}
                setSize={hasMore ? -1 : items.length}
                top={rows.topOf(index)}
                active={index === activeIndex}
                measure={rows.measure}
                onAct={act}
                onOpen={onOpen}
                renderContent={renderContent}
              />
            )
          })}
        </div>
      </div>
      {error && items.length > 0 ? (
        <p className="carillon-notice" role="alert">
          {labels.failed}{' '}
          <button type="button" onClick={() => void loadMore()}>
            {labels.retry}
          </button>
        </p>
      ) : null}
    </div>
  )
}
