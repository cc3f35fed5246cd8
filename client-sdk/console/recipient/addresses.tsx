import type { JSX } from 'react'
import type { RecipientPageQuery } from '../generated/operations.ts'
import { Mark } from '../mark.tsx'
import { When } from '../when.tsx'

type Address = NonNullable<RecipientPageQuery['recipient']>['addresses'][number]

/** Where a recipient can be reached, masked, and which of it takes messages. */
export const Addresses = ({ addresses }: { readonly addresses: readonly Address[] }): JSX.Element => (
  <section>
    <h2>Where they can be reached</h2>
    {addresses.length === 0 ? <p className="nothing">Nowhere but in the inbox.</p> : null}
    <ul className="plain">
      {addresses.map(({ id, channel, address, bouncedAt }) => (
        <li key={id}>
          {channel} <code>{address}</code>{' '}
          {bouncedAt ? (
            <Mark tone="bad">
              bounced <When at={bouncedAt} />: nothing is sent to it until it is given anew
            </Mark>
          ) : (
            <Mark tone="good">in use</Mark>
          )}
        </li>
      ))}
    </ul>
  </section>
)
