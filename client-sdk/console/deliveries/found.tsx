import { type JSX, useState } from 'react'
import { Fault } from '../fault.tsx'
import { type DeliveryFilter, DeliveryPageDocument } from '../generated/operations.ts'
import { type Turn, TurnPage } from '../turn-page.tsx'
import { useAnswer } from '../use-answer.ts'
import { DeliveryList } from './list.tsx'

const AT_ONCE = 50

/** The deliveries that fit a filter, newest first, a page at a time. */
export const FoundDeliveries = ({
  filter,
  nothing,
  forOne = false,
}: {
  readonly filter: DeliveryFilter
  /** What is said where there are none. */
  readonly nothing: string
  /** Whether all of them are one recipient's. */
  readonly forOne?: boolean
}): JSX.Element => {
  const [turn, setTurn] = useState<Turn>(null)
  const variables = { filter, ...(turn && 'before' in turn ? { last: AT_ONCE } : { first: AT_ONCE }), ...turn }
  const { data, fault, loading, reload } = useAnswer(DeliveryPageDocument, variables)
  const found = data?.deliveries
  return (
    <div aria-busy={loading}>
      <Fault fault={fault} onRetry={reload} />
      {found?.edges.length === 0 ? <p className="nothing">{nothing}</p> : null}
      {found && found.edges.length > 0 ? (
        <DeliveryList deliveries={found.edges.map(({ node }) => node)} onChanged={reload} forOne={forOne} />
      ) : null}
      {found ? <TurnPage ends={found.pageInfo} onTurn={setTurn} /> : null}
      {!found && loading ? <p className="quiet">Looking…</p> : null}
    </div>
  )
}
