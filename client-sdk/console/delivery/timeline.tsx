import type { JSX } from 'react'
import type { HappeningFragment } from '../generated/operations.ts'
import { addressOf } from '../route.ts'
import { useSession } from '../session.ts'
import { When } from '../when.tsx'
import { inWords } from '../wording.ts'
import { happeningWords, toneOf } from './happenings.ts'

type Detail = Readonly<Record<string, unknown>>

/** Told in words of their own, as links, or by what stands around. */
const TOLD: ReadonlySet<string> = new Set([
  'reason',
  'words',
  'bucketId',
  'workflowRunId',
  'digestDeliveryId',
  'planningContext',
  'checkpoint',
  'notificationKey',
  'recipientId',
  'channel',
])

const LINKS = [
  ['bucketId', 'bucket', 'the bucket'],
  ['workflowRunId', 'run', 'the workflow run'],
  ['digestDeliveryId', 'delivery', 'the digest'],
] as const

const Entry = ({ entry }: { readonly entry: HappeningFragment }): JSX.Element => {
  const { meaningOf } = useSession()
  const detail = (entry.detail ?? {}) as Detail
  const reason = typeof detail['reason'] === 'string' ? detail['reason'] : null
  const others = Object.fromEntries(Object.entries(detail).filter(([name]) => !TOLD.has(name)))
  const rest = inWords(others)
  return (
    <li data-tone={toneOf(entry.event, detail)}>
      <When at={entry.at} exact />
      <div>
        <p className="happening">{happeningWords(entry.event)}.</p>
        {reason ? <p>{meaningOf(reason) ?? reason}</p> : null}
        {typeof detail['words'] === 'string' ? <blockquote>{detail['words']}</blockquote> : null}
        {rest ? <p className="quiet">{rest}</p> : null}
        {LINKS.map(([name, place, words]) =>
          typeof detail[name] === 'string' ? (
            <a key={name} href={addressOf(place, detail[name])}>
              See {words}
            </a>
          ) : null,
        )}
      </div>
    </li>
  )
}

/** What happened to a delivery, in order of time, each with why. */
export const Timeline = ({ entries }: { readonly entries: readonly HappeningFragment[] }): JSX.Element => (
  <ol className="timeline">
    {entries.map((entry, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the same may happen twice at one instant, in this order.
      <Entry key={`${entry.at} ${entry.event} ${index}`} entry={entry} />
    ))}
  </ol>
)
