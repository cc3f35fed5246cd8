import type { JSX } from 'react'
import { Fault } from './fault.tsx'
import { Page } from './page.tsx'
import type { Answer } from './use-answer.ts'

/** The page of a thing that is not there to be shown: it is being looked for, could not be asked for, or does not exist. */
export const Absent = ({
  title,
  what,
  answer: { data, fault, loading, reload },
}: {
  readonly title: string
  /** In a sentence, such as `event`. */
  readonly what: string
  readonly answer: Answer<unknown>
}): JSX.Element => (
  <Page title={title}>
    <Fault fault={fault} onRetry={reload} />
    {loading ? <p className="quiet">Looking…</p> : null}
    {data ? <p className="nothing">There is no such {what}, or it is another tenant’s.</p> : null}
  </Page>
)
