'use client'

import { type RefObject, useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react'

/** Which rows of a long list are on the page, and where they stand. */
export interface Window {
  readonly first: number
  /** One behind the last. */
  readonly end: number
  /** The rows that can be seen, without those kept ready above and below. */
  readonly visible: readonly [first: number, end: number]
  readonly height: number
  readonly topOf: (index: number) => number
  /** Given each row's element: learns its height. */
  readonly measure: (key: string, element: HTMLElement | null) => void
  readonly scrollTo: (index: number) => void
}

/** Rows kept ready above and below what can be seen. */
const SPARE = 6

/** Greatest index whose offset is at or before `y`. */
const rowAt = (offsets: Float64Array, y: number): number => {
  let from = 0
  let to = offsets.length - 1
  while (from < to) {
    const middle = (from + to + 1) >>> 1
    if ((offsets[middle] as number) <= y) from = middle
    else to = middle - 1
  }
  return Math.min(from, Math.max(0, offsets.length - 2))
}

/**
 * Keeps a list of any length to the rows that can be seen. Rows may differ in height: they are taken for `estimate`
 * pixels until they are measured. What is being read stays where it is when rows come or go above it.
 */
export const useWindow = (
  keys: readonly string[],
  { scroller, estimate }: { readonly scroller: RefObject<HTMLElement | null>; readonly estimate: number },
): Window => {
  const heights = useRef(new Map<string, number>())
  const anchor = useRef<{ readonly key: string; readonly offset: number } | null>(null)
  const [measured, setMeasured] = useState(0)
  const [view, setView] = useState({ top: 0, height: 600 })

  const offsets = useMemo(() => {
    void measured
    const made = new Float64Array(keys.length + 1)
    for (const [index, key] of keys.entries()) {
      made[index + 1] = (made[index] as number) + (heights.current.get(key) ?? estimate)
    }
    return made
  }, [keys, measured, estimate])

  const latest = useRef({ keys, offsets })

  // Before the browser paints: the row at the top edge is put back to where it was.
  useLayoutEffect(() => {
    latest.current = { keys, offsets }
    const element = scroller.current
    const kept = anchor.current
    if (!element || !kept || element.scrollTop === 0) return
    const index = keys.indexOf(kept.key)
    const wanted = index === -1 ? null : (offsets[index] as number) + kept.offset
    if (wanted !== null && Math.abs(wanted - element.scrollTop) > 0.5) element.scrollTop = wanted
  }, [keys, offsets, scroller])

  useLayoutEffect(() => {
    const element = scroller.current
    if (!element) return
    const look = (): void => {
      const { scrollTop: top, clientHeight } = element
      const rows = latest.current
      const row = rowAt(rows.offsets, top)
      const key = rows.keys[row]
      anchor.current = key === undefined ? null : { key, offset: top - (rows.offsets[row] as number) }
      setView({ top, height: clientHeight || 600 })
    }
    look()
    const observer = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(look)
    observer?.observe(element)
    element.addEventListener('scroll', look, { passive: true })
    return () => {
      observer?.disconnect()
      element.removeEventListener('scroll', look)
    }
  }, [scroller])

  const measure = useCallback((key: string, element: HTMLElement | null) => {
    if (!element) return
    const height = element.offsetHeight
    if (height === 0 || heights.current.get(key) === height) return
    heights.current.set(key, height)
    setMeasured((count) => count + 1)
  }, [])

  const from = rowAt(offsets, view.top)
  const to = Math.min(keys.length, rowAt(offsets, view.top + view.height) + 1)
  return {
    first: Math.max(0, from - SPARE),
    end: Math.min(keys.length, to + SPARE),
    visible: [from, to],
    height: offsets[keys.length] ?? 0,
    topOf: (index) => offsets[index] ?? 0,
    measure,
    scrollTo(index) {
      const element = scroller.current
      if (!element) return
      const top = offsets[index] ?? 0
      const bottom = offsets[index + 1] ?? top
      if (top < element.scrollTop) element.scrollTop = top
      else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight
    },
  }
}
