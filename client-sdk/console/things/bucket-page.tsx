import { type JSX, useState } from 'react'
import { Absent } from '../absent.tsx'
import { Facts } from '../facts.tsx'
import { Fault } from '../fault.tsx'
import { BucketPageDocument } from '../generated/operations.ts'
import { Page } from '../page.tsx'
import { addressOf } from '../route.ts'
import { useAnswer } from '../use-answer.ts'
import { When } from '../when.tsx'
import { counted, nameInWords } from '../wording.ts'

/** What is, or was, held for one digest. */
export const BucketPage = ({ id }: { readonly id: string }): JSX.Element => {
  const [after, setAfter] = useState<string | null>(null)
  const answer = useAnswer(BucketPageDocument, { id, after })
  const { data, fault, reload } = answer
  const bucket = data?.node?.__typename === 'DigestBucket' ? data.node : null
  if (!bucket) return <Absent title="Digest bucket" what="bucket" answer={answer} />
  const { rule, members, digestDelivery, emittedAt } = bucket
  return (
    <Page title={`Digest bucket of ${rule.key}`} lead={bucket.state.toLowerCase()}>
      <p className="summary">
        {counted(bucket.memberCount, 'delivery', 'deliveries')} on {bucket.channel} for {bucket.recipientId}.{' '}
        {emittedAt ? (
          <>
            Closed <When at={emittedAt} />.
          </>
        ) : (
          <>
            Closes <When at={bucket.windowEndsAt} />.
          </>
        )}
      </p>
      <Fault fault={fault} onRetry={reload} />
      <Facts
        of={{
          recipient: <a href={addressOf('recipient', bucket.recipientId)}>{bucket.recipientId}</a>,
          rule: `${rule.key}, version ${rule.version}`,
          window: nameInWords(rule.windowKind.toLowerCase()),
          'grouped by': `${nameInWords(rule.groupBy.toLowerCase())}: ${bucket.groupingValue}`,
          'holds from': <When at={bucket.windowStartsAt} exact />,
          'holds until': <When at={bucket.windowEndsAt} exact />,
          'its digest': digestDelivery ? <a href={addressOf('delivery', digestDelivery.id)}>the delivery</a> : null,
          id: <code>{bucket.id}</code>,
        }}
      />
      <section>
        <h2>What it holds</h2>
        <ol className="plain">
          {members.edges.map(({ node }) => (
            <li key={node.deliveryId}>
              <a href={addressOf('delivery', node.deliveryId)}>{node.notificationKey}</a>{' '}
              {node.resolution ? nameInWords(node.resolution) : 'held'}
              {node.reason ? ` (${nameInWords(node.reason)})` : ''}
            </li>
          ))}
        </ol>
        {members.pageInfo.hasNextPage ? (
          <button type="button" onClick={() => setAfter(members.pageInfo.endCursor)}>
            Later ones
          </button>
        ) : null}
      </section>
    </Page>
  )
}
