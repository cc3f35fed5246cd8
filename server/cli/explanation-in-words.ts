import type { EventWithPayloadFragment, ExplainDeliveriesQuery } from '../../client-sdk/index.ts'
import { shownFacts, shownTime } from './output.ts'

type Explanation = ExplainDeliveriesQuery['deliveries']['edges'][number]['node']['explanation']

const block = (head: string, lines: readonly string[]): readonly string[] =>
  lines.length > 0 ? ['', head, ...lines.map((line) => `  ${line}`.trimEnd())] : []

const widthOf = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length))

const aligned = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, column) => widthOf(rows.map((row) => row[column] ?? '')))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const stateOf = ({ status, orchestrationState, suppressionReason, planningReason, waitingFor }: Explanation): string =>
  [
    suppressionReason ? `${status} (${suppressionReason})` : status,
    orchestrationState !== 'READY' && `${orchestrationState}${planningReason ? ` (${planningReason})` : ''}`,
    waitingFor && `waits for ${waitingFor}`,
  ]
    .filter(Boolean)
    .join(', ')

/** An explanation as the API gives it, set out to be read: what happened in a sentence, then all that this rests on. */
export const explanationInWords = (explanation: Explanation): string => {
  const { lastAttempt, decisions, timeline, whatWouldSendIt } = explanation
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ['delivery', explanation.deliveryId],
    ['notification', `${explanation.notificationKey} to ${explanation.recipientId} by ${explanation.channel}`],
    ['state', stateOf(explanation)],
    ['step', explanation.stepKey],
    ['correlation', explanation.correlationId],
    ['next', explanation.nextEligibleAt && shownTime(explanation.nextEligibleAt)],
    [
      'last attempt',
      lastAttempt &&
        [
          `number ${lastAttempt.attemptNumber}`,
          lastAttempt.outcome,
          lastAttempt.adapter && `by ${lastAttempt.adapter}`,
          lastAttempt.address && `to ${lastAttempt.address}`,
          lastAttempt.reason && `(${lastAttempt.reason})`,
        ]
          .filter(Boolean)
          .join(' '),
    ],
  ]
  return [
    explanation.summary,
    '',
    ...aligned(facts.flatMap(([name, value]) => (value ? [[`  ${name}`, value]] : []))),
    ...block(
      'What would send it',
      whatWouldSendIt.map(({ description }) => `- ${description}`),
    ),
    ...block(
      'Decisions',
      aligned(
        decisions.map(({ checkpoint, rule, verdict, reason, facts: seen }) => [
          checkpoint,
          rule,
          verdict,
          [reason, shownFacts(seen)].filter(Boolean).join(' '),
        ]),
      ),
    ),
    ...block('Timeline', aligned(timeline.map(({ at, event, detail }) => [shownTime(at), event, shownFacts(detail)]))),
  ].join('\n')
}

/** An event in one line. */
export const eventInWords = (event: EventWithPayloadFragment): string =>
  `Event ${event.id}: ${event.notificationKey} v${event.notificationVersion}, ${event.status}, ${shownTime(event.insertedAt)}, ` +
  `${event.plannedRecipientCount} of ${event.recipientCount} recipients planned` +
  `${event.failedRecipientCount > 0 ? `, ${event.failedRecipientCount} failed` : ''}, idempotency key ${event.idempotencyKey}`
