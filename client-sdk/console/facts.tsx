import type { JSX, ReactNode } from 'react'

/** Names and values, one beside the other; what has no value is left out. */
export const Facts = ({ of }: { readonly of: Readonly<Record<string, ReactNode>> }): JSX.Element => (
  <dl className="facts">
    {Object.entries(of)
      .filter(([, value]) => value !== null && value !== undefined && value !== '')
      .map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
)
