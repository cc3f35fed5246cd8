import type { JSX } from 'react'
import type { StoryQuery } from '../generated/operations.ts'
import { addressOf } from '../route.ts'
import { useSession } from '../session.ts'
import { When } from '../when.tsx'
import { counted, nameInWords } from '../wording.ts'

type Digest = NonNullable<NonNullable<StoryQuery['explainDelivery']>['digest']>

/** What a digest has to do with a delivery, with the way to its bucket. */
export const DigestPart = ({ digest }: { readonly digest: Digest }): JSX.Element => {
  const { meaningOf } = useSession()
  const { outcome, ruleIdentity, bucketId, digestDeliveryId, windowEndsAt, resolutionReason, memberCount, members } =
    digest
  return (
    <section>
      <h2>Digest</h2>
      <p>
        {outcome === 'emitted_digest' ? `This is a digest of ${counted(memberCount, 'item')}` : nameInWords(outcome)} by
        rule {ruleIdentity}
        {windowEndsAt ? (
          <>
            , whose window ends at <When at={windowEndsAt} exact />
          </>
        ) : null}
        . {bucketId ? <a href={addressOf('bucket', bucketId)}>See its bucket</a> : null}
        {digestDeliveryId && outcome !== 'emitted_digest' ? (
          <>
            {' · '}
            <a href={addressOf('delivery', digestDeliveryId)}>See the digest</a>
          </>
        ) : null}
      </p>
      {resolutionReason ? <p>{meaningOf(resolutionReason) ?? nameInWords(resolutionReason)}</p> : null}
      {members.length > 0 ? (
        <ul>
          {members.map((member) => (
            <li key={member.deliveryId}>
              <a href={addressOf('delivery', member.deliveryId)}>{member.notificationKey}</a>{' '}
              {member.resolution ? nameInWords(member.resolution) : 'held'}
              {member.reason ? ` (${nameInWords(member.reason)})` : ''}
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  )
}
