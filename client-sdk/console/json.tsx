import type { JSX } from 'react'

/** Any value as it is, wrapped where it is wide. */
export const Json = ({ value }: { readonly value: unknown }): JSX.Element => (
  <pre className="json">{JSON.stringify(value, null, 2)}</pre>
)
