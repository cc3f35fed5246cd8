import type { JSX } from 'react'
import { Page } from '../page.tsx'
import { ByAnyId } from './by-any-id.tsx'
import { ByText } from './by-text.tsx'
import { isUuid, typeOfNodeId } from './node-ids.ts'

/** What was found of a text, in groups; an id leads straight to what it names. */
export const SearchPage = ({ text }: { readonly text: string }): JSX.Element => (
  <Page title={text ? `“${text}”` : 'Search'}>
    {text === '' ? (
      <p>
        Search takes a recipient’s id, an idempotency key, a correlation id, or the id of an event, delivery, digest
        bucket or workflow run: as the API prints it, or the bare UUID of a log line.
      </p>
    ) : (
      <>
        {isUuid(text) || typeOfNodeId(text) ? <ByAnyId text={text} /> : null}
        <ByText text={text} />
      </>
    )}
  </Page>
)
