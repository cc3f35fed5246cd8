import type { JSX } from 'react'
import { FoundDeliveries } from '../deliveries/found.tsx'
import { Facts } from '../facts.tsx'
import { Fault } from '../fault.tsx'
import { RecipientPageDocument } from '../generated/operations.ts'
import { Json } from '../json.tsx'
import { Page } from '../page.tsx'
import { addressOf } from '../route.ts'
import { useAnswer } from '../use-answer.ts'
import { Addresses } from './addresses.tsx'
import { Preferences } from './preferences.tsx'
import { Why } from './why.tsx'

/** One person: what they got, why or why not, what they want, and where they can be reached. */
export const RecipientPage = ({ id: recipientId }: { readonly id: string }): JSX.Element => {
  const { data, fault, loading, reload } = useAnswer(RecipientPageDocument, { recipientId })
  const recipient = data?.recipient
  return (
    <Page title={recipientId} lead={recipient?.displayName ?? null}>
      <Fault fault={fault} onRetry={reload} />
      {data && !recipient ? <p className="quiet">Nothing was ever stored about them but what they were sent.</p> : null}
      <Why recipientId={recipientId} />
      <div className="two">
        <section>
          <h2>What they were sent</h2>
          <FoundDeliveries filter={{ recipientId }} nothing="Nothing." forOne />
          <p>
            <a href={addressOf('deliveries', '', { recipient: recipientId })}>Narrow them down</a>
          </p>
        </section>
        <div aria-busy={loading}>
          {recipient ? (
            <>
              <section>
                <h2>About them</h2>
                <Facts
                  of={{
                    name: recipient.displayName,
                    type: recipient.type,
                    language: recipient.locale,
                    'time zone': recipient.timeZone,
                    topics: recipient.topics.map(({ key }) => key).join(', '),
                    id: <code>{recipient.id}</code>,
                  }}
                />
                {Object.keys((recipient.data ?? {}) as object).length > 0 ? <Json value={recipient.data} /> : null}
              </section>
              <Addresses addresses={recipient.addresses} />
            </>
          ) : null}
          {data ? <Preferences center={data.preferences} /> : null}
        </div>
      </div>
    </Page>
  )
}
