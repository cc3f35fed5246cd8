import type { JSX, ReactNode } from 'react'

export type Tone = 'good' | 'bad' | 'wait' | 'off'

/** A shape for each, since not everybody sees colours. */
const SHAPES: Readonly<Record<Tone, JSX.Element>> = {
  good: <circle cx="5" cy="5" r="4" fill="currentColor" />,
  bad: <path d="M1.5 1.5l7 7m0-7l-7 7" stroke="currentColor" strokeWidth="2" />,
  wait: <path d="M5 1a4 4 0 100 8 4 4 0 000-8zm0 1.5V5h2.2" stroke="currentColor" strokeWidth="1.4" fill="none" />,
  off: <circle cx="5" cy="5" r="3.3" stroke="currentColor" strokeWidth="1.4" fill="none" />,
}

/** A word or two about how something stands. */
export const Mark = ({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }): JSX.Element => (
  <span className="state" data-tone={tone}>
    <svg viewBox="0 0 10 10" aria-hidden="true">
      {SHAPES[tone]}
    </svg>
    {children}
  </span>
)
