import type { JSX } from 'react'
import { faultWords } from './fault-words.ts'

/** A fault in plain words, told at once, with a way to try again. */
export const Fault = ({
  fault,
  onRetry,
}: {
  readonly fault: unknown
  readonly onRetry?: () => void
}): JSX.Element | null =>
  fault ? (
    <p className="fault" role="alert">
      {faultWords(fault)}{' '}
      {onRetry ? (
        <button type="button" className="quiet" onClick={onRetry}>
          Try again
        </button>
      ) : null}
    </p>
  ) : null
