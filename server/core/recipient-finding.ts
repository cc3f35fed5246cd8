import { instantText } from './wording.ts'

/** How many events of a notification are looked at, the newest ones. */
export const MAX_EVENTS_LOOKED_AT = 1_000
/** How many deliveries are explained, the newest ones. */
export const MAX_DELIVERIES_EXPLAINED = 50

/** What is found out about a recipient and a notification. */
export const RECIPIENT_FINDINGS = [
  'per_delivery',
  'planning',
  'scheduled',
  'no_channel',
  'actor_excluded',
  'not_a_recipient',
  'no_event',
] as const
export type RecipientFinding = (typeof RECIPIENT_FINDINGS)[number]

/** An event, as far as it concerns one recipient. */
export interface SeenEvent {
  readonly status: 'scheduled' | 'planning' | 'planned' | 'cancelled'
  readonly insertedAt: Date
  readonly sendAt: Date | null
  /** Whether the recipient caused it. */
  readonly ownAct: boolean
  /** Whether the recipient is in the audience that is still to be planned. */
  readonly inAudience: boolean
  /** Whether the event waits for its time, and the recipient subscribes to one of its topics now. */
  readonly subscribed: boolean
  /** How often the notifier's code failed for the recipient. */
  readonly tries: number
  /** Whether the recipient was planned for, and on no channel. */
  readonly withoutChannel: boolean
  /** Whether it was cancelled before everybody was planned: whom else it was for is not kept. */
  readonly cutShort: boolean
}

/** What was read of a recipient and a notification. */
export interface RecipientFacts {
  readonly notificationKey: string
  /** Only what came then or later was looked at; everything where `null`. */
  readonly since: Date | null
  /** Whether this server has a notifier of that key. */
  readonly hasNotifier: boolean
  /** Whether anything at all is stored of the recipient. */
  readonly isKnown: boolean
  /** How many deliveries there are; one more than are explained stands for any more. */
  readonly deliveryCount: number
  /** Newest first. */
  readonly events: readonly SeenEvent[]
  /** When the latest event of this notification was accepted of which anything was pruned; `null` where none was. */
  readonly prunedUpTo: Date | null
}

export interface Found {
  readonly finding: RecipientFinding
  /** What to do or where to look, for a support person to read out. */
  readonly summary: string
}

const sinceOf = ({ since }: RecipientFacts): string => (since ? ` since ${instantText(since)}` : '')

/** That some of what is asked about is not kept any more; '' where all of it is. */
const prunedOf = ({ since, prunedUpTo }: RecipientFacts): string =>
  prunedUpTo !== null && (since === null || since <= prunedUpTo)
    ? ` Events of it up to ${instantText(prunedUpTo)} have been pruned for their age, and whom those were for is not kept.`
    : ''

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)

const of = ([newest]: readonly SeenEvent[]): string => (newest ? `of ${instantText(newest.insertedAt)}` : '')

const planning = ({ events }: RecipientFacts): Found | null => {
  const event = events.find(({ status, inAudience }) => status === 'planning' && inAudience)
  if (!event) return null
  const start = `The event of ${instantText(event.insertedAt)} is still being planned`
  const summary =
    event.tries > 0
      ? `${start}: the notifier's own code has failed for this recipient ${times(event.tries)} and will be tried again. The server's log says how it failed.`
      : `${start}, and this recipient's turn has not come yet. Where that goes on, look at whether a worker is running.`
  return { finding: 'planning', summary }
}

const scheduled = ({ events }: RecipientFacts): Found | null => {
  const waiting = events
    .flatMap((event) => (event.status === 'scheduled' && event.sendAt ? [{ ...event, sendAt: event.sendAt }] : []))
    .filter(({ inAudience, subscribed }) => inAudience || subscribed)
    .sort((a, b) => a.sendAt.getTime() - b.sendAt.getTime())
  const [next] = waiting
  if (!next) return null
  const why = next.inAudience
    ? 'this recipient is in its audience'
    : 'this recipient subscribes to one of its topics, and will be in its audience if it still does then'
  const more = waiting.length > 1 ? ` It is the first of ${waiting.length}.` : ''
  return { finding: 'scheduled', summary: `An event is scheduled for ${instantText(next.sendAt)}: ${why}.${more}` }
}

const perDelivery = (facts: RecipientFacts): Found | null => {
  const { deliveryCount, notificationKey } = facts
  if (deliveryCount === 0) return null
  const what = `"${notificationKey}" to this recipient${sinceOf(facts)}`
  const summary =
    deliveryCount === 1
      ? `There is one delivery of ${what}: its explanation says what became of it.`
      : deliveryCount <= MAX_DELIVERIES_EXPLAINED
        ? `There are ${deliveryCount} deliveries of ${what}: their explanations say what became of each.`
        : `There are more than ${MAX_DELIVERIES_EXPLAINED} deliveries of ${what}: the explanations of the newest ${MAX_DELIVERIES_EXPLAINED} say what became of each, and \`deliveries\` lists the others.`
  const toCome = planning(facts) ?? scheduled(facts)
  return { finding: 'per_delivery', summary: toCome ? `${summary} More is to come. ${toCome.summary}` : summary }
}

const noChannel = ({ events, notificationKey }: RecipientFacts): Found | null => {
  const event = events.find(({ withoutChannel }) => withoutChannel)
  if (!event) return null
  return {
    finding: 'no_channel',
    summary: `This recipient is among those of the event of ${instantText(event.insertedAt)}, and the notifier chose no channel for it: look at \`channels\` of the notifier "${notificationKey}".`,
  }
}

/** Says that the recipient is not among those of any of these events, of which there is one at least. */
const outsider = (events: readonly SeenEvent[], which: 'event' | 'other event', since: string): string => {
  const whole = events.filter(({ cutShort }) => !cutShort)
  const cut = events.filter(({ cutShort }) => cutShort)
  const sentences: string[] = []
  if (whole.length > 0) {
    const those = whole.length === 1 ? `the ${which} ${of(whole)}` : `any of the ${whole.length} ${which}s${since}`
    sentences.push(`This recipient is not among those of ${those}.`)
  }
  if (cut.length > 0) {
    const those = cut.length === 1 ? `The ${which} ${of(cut)} was` : `${cut.length} events were`
    sentences.push(`${those} cancelled before everybody was planned, and it is not kept for whom that was.`)
  }
  return sentences.join(' ')
}

const actorExcluded = (facts: RecipientFacts): Found | null => {
  const { events } = facts
  const own = events.filter(({ ownAct }) => ownAct)
  const others = events.filter(({ ownAct }) => !ownAct)
  if (own.length === 0) return null
  const which =
    own[0] === events[0]
      ? `the newest event, ${of(own)}`
      : `${own.length} of the ${events.length} events${sinceOf(facts)}, the latest ${of(own)}`
  const rest = others.length > 0 ? ` ${outsider(others, 'other event', sinceOf(facts))}` : ''
  return {
    finding: 'actor_excluded',
    summary: `This recipient itself caused ${which}: nobody is notified of their own acts.${rest}`,
  }
}

const notARecipient = (facts: RecipientFacts): Found | null => {
  const { events, isKnown } = facts
  if (events.length === 0) return null
  const where = isKnown
    ? 'Look at whom the trigger names, and at the topics that it gives and this recipient subscribes to.'
    : 'Nothing is stored of such a recipient, as of one that was never planned for: check the id.'
  const looked = events.length < MAX_EVENTS_LOOKED_AT ? '' : ` Only the newest ${MAX_EVENTS_LOOKED_AT} were looked at.`
  return { finding: 'not_a_recipient', summary: `${outsider(events, 'event', sinceOf(facts))}${looked} ${where}` }
}

const noEvent = (facts: RecipientFacts): Found => {
  const { notificationKey, hasNotifier } = facts
  if (prunedOf(facts) !== '')
    return { finding: 'no_event', summary: `No event of "${notificationKey}"${sinceOf(facts)} is kept.` }
  const summary = hasNotifier
    ? `There is no event of "${notificationKey}"${sinceOf(facts)}: look at whether the backend calls trigger, with a key of this tenant, and is not refused.`
    : `No notifier has the key "${notificationKey}": check how it is spelt, and that the server's configuration has it.`
  return { finding: 'no_event', summary }
}

/**
 * Why a recipient got a notification, or did not, as far as that can be said without looking into a delivery. Where
 * several things are true, what exists comes first, then what is to come, then why nothing does.
 */
export const findRecipient = (facts: RecipientFacts): Found => {
  const found =
    perDelivery(facts) ??
    planning(facts) ??
    scheduled(facts) ??
    noChannel(facts) ??
    actorExcluded(facts) ??
    notARecipient(facts) ??
    noEvent(facts)
  return { ...found, summary: `${found.summary}${prunedOf(facts)}` }
}
