import type { JSX, ReactNode } from 'react'
import type { DeliveryStateFragment } from '../generated/operations.ts'
import { addressOf } from '../route.ts'
import { StateMark } from '../state-mark.tsx'
import { When } from '../when.tsx'

/** One delivery in a list: what became of it, on which channel, of what, for whom, and why in a sentence. */
export const DeliveryLine = ({
  delivery,
  summary,
  before,
}: {
  readonly delivery: DeliveryStateFragment
  readonly summary?: string
  /** Stands in front, such as a box to tick. */
  readonly before?: ReactNode
}): JSX.Element => {
  const { id, channel, stepKey, updatedAt, notification } = delivery
  return (
    <li className="row">
      {before}
      <div className="row-body">
        <div className="row-line">
          <StateMark state={delivery} />
          <a className="row-name" href={addressOf('delivery', id)}>
            {notification.notificationKey} <span className="on">on</span> {channel}
          </a>
          {stepKey ? <span className="quiet">step {stepKey}</span> : null}
          <a className="row-who" href={addressOf('recipient', notification.recipientId)}>
            {notification.recipientId}
          </a>
          <span className="row-when">
            <When at={updatedAt} />
          </span>
        </div>
        {summary ? <p className="row-why">{summary}</p> : null}
      </div>
    </li>
  )
}
