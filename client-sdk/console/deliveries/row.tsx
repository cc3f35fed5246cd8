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
  forOne = false,
}: {
  readonly delivery: DeliveryStateFragment
  readonly summary?: string
  /** Stands in front, such as a box to tick. */
  readonly before?: ReactNode
  /** Whether all of the list is one recipient's, who then needs no naming. */
  readonly forOne?: boolean
}): JSX.Element => {
  const { id, channel, stepKey, updatedAt, notification } = delivery
  return (
    <li className="row">
      {before}
      <StateMark state={delivery} />
      <div className="row-body">
        <p>
          <a className="row-name" href={addressOf('delivery', id)}>
            {notification.notificationKey} <span className="on">on</span> {channel}
          </a>
          {forOne ? null : (
            <>
              {' '}
              to <a href={addressOf('recipient', notification.recipientId)}>{notification.recipientId}</a>
            </>
          )}
          {stepKey ? <span className="quiet">, step {stepKey}</span> : null}
        </p>
        {summary ? <p className="row-why">{summary}</p> : null}
      </div>
      <span className="row-when">
        <When at={updatedAt} />
      </span>
    </li>
  )
}
