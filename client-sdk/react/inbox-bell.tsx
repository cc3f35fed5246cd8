'use client'

import { type JSX, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { Inbox, type InboxProps } from './inbox.tsx'
import { useCarillon } from './provider.tsx'
import { useInboxCounts } from './use-inbox.ts'

const Bell = (): JSX.Element => (
  <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
    <path
      d="M6 16.5h12l-1.5-2.2V10a4.5 4.5 0 0 0-9 0v4.3L6 16.5Zm4 2.5a2 2 0 0 0 4 0"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  </svg>
)

export interface InboxBellProps extends InboxProps {
  /** Towards which side the inbox opens; default: `start`, for a bell at the end of a header. */
  readonly opensTowards?: 'start' | 'end' | undefined
}

/** A bell with a badge, which opens the inbox beside it. Escape, a click elsewhere and leaving it close it again. */
export const InboxBell = ({ opensTowards = 'start', ...props }: InboxBellProps): JSX.Element => {
  const { labels, theme } = useCarillon()
  const { unread } = useInboxCounts()
  const [open, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const panel = useRef<HTMLDivElement>(null)
  const panelId = useId()

  const close = (): void => {
    setOpen(false)
    button.current?.focus()
  }

  useEffect(() => {
    if (!open) return
    panel.current?.focus()
    const elsewhere = (event: Event): void => {
      if (!root.current?.contains(event.target as Node)) setOpen(false)
    }
    document.addEventListener('pointerdown', elsewhere)
    return () => document.removeEventListener('pointerdown', elsewhere)
  }, [open])

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !open) return
    event.stopPropagation()
    close()
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: hears Escape from within.
    <div
      ref={root}
      className="carillon carillon-bell-frame"
      data-theme={theme}
      data-opens={opensTowards}
      onKeyDown={onKeyDown}
      onBlur={({ relatedTarget, currentTarget }) => {
        if (relatedTarget && !currentTarget.contains(relatedTarget)) setOpen(false)
      }}
    >
      <button
        ref={button}
        type="button"
        className="carillon-bell"
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-controls={open ? panelId : undefined}
        aria-label={labels.bell(unread)}
        onClick={() => (open ? close() : setOpen(true))}
      >
        <Bell />
        {unread > 0 ? (
          <span className="carillon-badge" aria-hidden="true">
            {labels.badge(unread)}
          </span>
        ) : null}
      </button>
      {open ? (
        <div ref={panel} id={panelId} className="carillon-panel" role="dialog" aria-label={labels.inbox} tabIndex={-1}>
          <Inbox
            {...props}
            headerEnd={
              <>
                {props.headerEnd}
                <button type="button" className="carillon-close" aria-label={labels.close} onClick={close}>
                  <span aria-hidden="true">×</span>
                </button>
              </>
            }
          />
        </div>
      ) : null}
    </div>
  )
}
