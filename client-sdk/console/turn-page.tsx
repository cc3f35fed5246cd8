import type { JSX } from 'react'
import type { PageEndsFragment } from './generated/operations.ts'

/** Where a page of a list begins: behind one item, or before one. */
export type Turn = { readonly after: string } | { readonly before: string } | null

/** To the newer and the older part of a list. */
export const TurnPage = ({
  ends,
  onTurn,
}: {
  readonly ends: PageEndsFragment
  readonly onTurn: (turn: Turn) => void
}): JSX.Element | null => {
  const { hasNextPage, hasPreviousPage, startCursor, endCursor } = ends
  if (!hasNextPage && !hasPreviousPage) return null
  return (
    <nav className="turn" aria-label="Pages">
      <button
        type="button"
        disabled={!hasPreviousPage || startCursor === null}
        onClick={() => startCursor !== null && onTurn({ before: startCursor })}
      >
        Newer
      </button>
      <button
        type="button"
        disabled={!hasNextPage || endCursor === null}
        onClick={() => endCursor !== null && onTurn({ after: endCursor })}
      >
        Older
      </button>
    </nav>
  )
}
