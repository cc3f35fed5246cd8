import { type JSX, useEffect } from 'react'
import { Fault } from '../fault.tsx'
import { ByIdDocument, NamedDocument, type NamedQuery } from '../generated/operations.ts'
import { addressOf, type Place } from '../route.ts'
import { useAnswer } from '../use-answer.ts'
import { isUuid, nodeId, PLACE_OF } from './node-ids.ts'

interface Found {
  readonly name: string
  readonly address: string
}

const found = (name: string, place: Place, id: string, parameters?: Readonly<Record<string, string>>): Found => ({
  name,
  address: addressOf(place, id, parameters),
})

const foundByNode = (text: string, node: NamedQuery['node']): Found[] => {
  if (!node) return []
  if (node.__typename === 'Recipient') return [found('recipient', 'recipient', node.recipientId)]
  if (node.__typename === 'Notification') return [found('notification', 'deliveries', '', { notification: text })]
  if (node.__typename === 'WebhookIngress') {
    return node.delivery ? [found('delivery that this report is about', 'delivery', node.delivery.id)] : []
  }
  const place = PLACE_OF[node.__typename]
  return place ? [found(place === 'run' ? 'workflow run' : place, place, text)] : []
}

/** What an id names. Where that is one thing alone, it is gone to at once. */
export const ByAnyId = ({ text }: { readonly text: string }): JSX.Element => {
  const bare = isUuid(text)
  const ids = {
    event: nodeId('Event', text),
    delivery: nodeId('Delivery', text),
    notification: nodeId('Notification', text),
    bucket: nodeId('DigestBucket', text),
    run: nodeId('WorkflowRun', text),
  }
  const byUuid = useAnswer(ByIdDocument, bare ? ids : null)
  const byNode = useAnswer(NamedDocument, bare ? null : { id: text })
  const things = bare
    ? [
        byUuid.data?.delivery ? [found('delivery', 'delivery', ids.delivery)] : [],
        byUuid.data?.event ? [found('event', 'event', ids.event)] : [],
        byUuid.data?.notification ? [found('notification', 'deliveries', '', { notification: ids.notification })] : [],
        byUuid.data?.bucket ? [found('digest bucket', 'bucket', ids.bucket)] : [],
        byUuid.data?.run ? [found('workflow run', 'run', ids.run)] : [],
      ].flat()
    : foundByNode(text, byNode.data?.node ?? null)
  const only = things.length === 1 ? things[0]?.address : undefined

  useEffect(() => {
    // In place of the search, so that going back goes back to before it.
    if (only) location.replace(only)
  }, [only])

  return (
    <section>
      <h2>By this id</h2>
      <Fault fault={byUuid.fault ?? byNode.fault} />
      {byUuid.loading || byNode.loading ? <p className="quiet">Looking…</p> : null}
      {(byUuid.data ?? byNode.data) && things.length === 0 ? <p className="nothing">Nothing has this id.</p> : null}
      <ul className="plain">
        {things.map(({ name, address }) => (
          <li key={address}>
            <a href={address}>The {name}</a>
          </li>
        ))}
      </ul>
    </section>
  )
}
