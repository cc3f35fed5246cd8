import { type JSX, useEffect, useState } from 'react'
import { Fault } from '../fault.tsx'
import { QueueDocument, type QueueQuery } from '../generated/operations.ts'
import { useAnswer } from '../use-answer.ts'
import { When } from '../when.tsx'
import { QueueAge, type Sample } from './queue-age.tsx'

const AGAIN_MS = 5_000
/** An hour of them. */
const KEPT = 720

const ageOf = (queue: QueueQuery['queue'], now: number): number =>
  queue.reduce((age, { oldestDueAt }) => (oldestDueAt ? Math.max(age, now - Date.parse(oldestDueAt)) : age), 0)

type Lane = QueueQuery['queue'][number]

/** So many of a lane are counted. */
const MOST_COUNTED = 10_000

/** A number of a lane, with a sign where the lane may have more than were counted. */
const shown = ({ dueCount, underWayCount, laterCount }: Lane, count: number): string =>
  `${count.toLocaleString('en')}${dueCount + underWayCount + laterCount >= MOST_COUNTED ? '+' : ''}`

/** What is not finished, lane by lane, and how far the workers are behind. */
export const QueuePart = (): JSX.Element => {
  const { data, fault, reload } = useAnswer(QueueDocument, {}, { everyMs: AGAIN_MS })
  const [samples, setSamples] = useState<readonly Sample[]>([])
  useEffect(() => {
    if (!data) return
    const at = Date.now()
    setSamples((before) => [...before, { at, ageMs: ageOf(data.queue, at) }].slice(-KEPT))
  }, [data])
  return (
    <section>
      <h2>Queue</h2>
      <Fault fault={fault} onRetry={reload} />
      <QueueAge samples={samples} />
      {data?.queue.length === 0 ? <p className="nothing">It is empty: all is done.</p> : null}
      {data && data.queue.length > 0 ? (
        <table>
          <thead>
            <tr>
              <th scope="col">Lane</th>
              <th scope="col">Due</th>
              <th scope="col">Under way</th>
              <th scope="col">Later</th>
              <th scope="col">Tried before</th>
              <th scope="col">Next</th>
            </tr>
          </thead>
          <tbody>
            {data.queue.map((lane) => (
              <tr key={lane.lane}>
                <th scope="row">{lane.lane}</th>
                <td>
                  {shown(lane, lane.dueCount)}
                  {lane.oldestDueAt ? (
                    <>
                      , since <When at={lane.oldestDueAt} />
                    </>
                  ) : null}
                </td>
                <td>{shown(lane, lane.underWayCount)}</td>
                <td>{shown(lane, lane.laterCount)}</td>
                <td>{shown(lane, lane.retryingCount)}</td>
                <td>{lane.nextDueAt ? <When at={lane.nextDueAt} /> : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </section>
  )
}
