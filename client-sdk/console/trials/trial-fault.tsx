import type { JSX } from 'react'
import { CarillonClientError } from '../../error.ts'
import { faultWords } from '../fault-words.ts'

/** What is wrong with what was written; for a payload, each place of it. */
export const TrialFault = ({ fault }: { readonly fault: unknown }): JSX.Element | null => {
  if (!fault) return null
  const issues = fault instanceof CarillonClientError ? (fault.issues ?? []) : []
  return (
    <div className="fault" role="alert">
      <p>{fault instanceof SyntaxError ? fault.message : faultWords(fault)}</p>
      <ul>
        {issues.map(({ path, message }) => (
          <li key={`${path.join('.')} ${message}`}>
            {path.join('.')}: {message}
          </li>
        ))}
      </ul>
    </div>
  )
}
