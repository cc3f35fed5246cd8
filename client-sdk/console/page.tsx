import { type JSX, type ReactNode, useEffect, useRef } from 'react'

/** The first page of a visit leaves the focus where browsers put it. */
let visited = false

/** One page: its heading, which takes the focus when it is gone to, so that keyboards and screen readers begin there. */
export const Page = ({
  title,
  lead,
  children,
}: {
  readonly title: string
  readonly lead?: ReactNode
  readonly children: ReactNode
}): JSX.Element => {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Carillon`
  }, [title])
  useEffect(() => {
    if (visited) heading.current?.focus()
    visited = true
  }, [])
  return (
    <main id="main">
      <header className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead ? <div className="lead">{lead}</div> : null}
      </header>
      {children}
    </main>
  )
}
