import { expect, test } from 'vitest'
import {
  findRecipient,
  MAX_EVENTS_LOOKED_AT,
  RECIPIENT_FINDINGS,
  type RecipientFacts,
  type SeenEvent,
} from '../../server/core/recipient-finding.ts'

const NOON = new Date('2026-01-15T12:00:00.000Z')
const hoursAfter = (hours: number): Date => new Date(NOON.getTime() + hours * 3_600_000)

const event = (change: Partial<SeenEvent> = {}): SeenEvent => ({
  status: 'planned',
  insertedAt: NOON,
  sendAt: null,
  ownAct: false,
  inAudience: false,
  subscribed: false,
  tries: 0,
  withoutChannel: false,
  cutShort: false,
  ...change,
})

const find = (change: Partial<RecipientFacts>) =>
  findRecipient({
    notificationKey: 'k',
    since: null,
    hasNotifier: true,
    isKnown: true,
    deliveryCount: 0,
    events: [],
    prunedUpTo: null,
    ...change,
  })

const FOREIGN = event()
const PLANNING = event({ status: 'planning', inAudience: true })
const SCHEDULED = event({ status: 'scheduled', sendAt: hoursAfter(6), inAudience: true })
const SUBSCRIBED = event({ status: 'scheduled', sendAt: hoursAfter(6), subscribed: true })
const WITHOUT_CHANNEL = event({ withoutChannel: true })
const OWN = event({ ownAct: true })
const CUT_SHORT = event({ status: 'cancelled', cutShort: true })

const WHERE = 'Look at whom the trigger names, and at the topics that it gives and this recipient subscribes to.'

test.each<[string, Partial<RecipientFacts>, string, string]>([
  [
    'an unknown notifier',
    { hasNotifier: false },
    'no_event',
    'No notifier has the key "k": check how it is spelt, and that the server\'s configuration has it.',
  ],
  [
    'nothing triggered',
    {},
    'no_event',
    'There is no event of "k": look at whether the backend calls trigger, with a key of this tenant, and is not refused.',
  ],
  [
    'nothing triggered lately',
    { since: NOON },
    'no_event',
    'There is no event of "k" since 2026-01-15 12:00:00 UTC: look at whether the backend calls trigger, with a key of this tenant, and is not refused.',
  ],
  [
    'one event for others',
    { events: [FOREIGN] },
    'not_a_recipient',
    `This recipient is not among those of the event of 2026-01-15 12:00:00 UTC. ${WHERE}`,
  ],
  [
    'events for others',
    { events: [FOREIGN, FOREIGN], since: NOON },
    'not_a_recipient',
    `This recipient is not among those of any of the 2 events since 2026-01-15 12:00:00 UTC. ${WHERE}`,
  ],
  [
    'a recipient never heard of',
    { events: [FOREIGN], isKnown: false },
    'not_a_recipient',
    'This recipient is not among those of the event of 2026-01-15 12:00:00 UTC. Nothing is stored of such a recipient, as of one that was never planned for: check the id.',
  ],
  [
    'more events than are looked at',
    { events: Array.from({ length: MAX_EVENTS_LOOKED_AT }, () => FOREIGN) },
    'not_a_recipient',
    `This recipient is not among those of any of the 1000 events. Only the newest 1000 were looked at. ${WHERE}`,
  ],
  [
    'an event that was cancelled in time',
    { events: [CUT_SHORT] },
    'not_a_recipient',
    `The event of 2026-01-15 12:00:00 UTC was cancelled before everybody was planned, and it is not kept for whom that was. ${WHERE}`,
  ],
  [
    'events for others, and cancelled ones',
    { events: [CUT_SHORT, FOREIGN, CUT_SHORT] },
    'not_a_recipient',
    `This recipient is not among those of the event of 2026-01-15 12:00:00 UTC. 2 events were cancelled before everybody was planned, and it is not kept for whom that was. ${WHERE}`,
  ],
  [
    'its own act, just now',
    { events: [OWN] },
    'actor_excluded',
    'This recipient itself caused the newest event, of 2026-01-15 12:00:00 UTC: nobody is notified of their own acts.',
  ],
  [
    'its own act, among others',
    { events: [FOREIGN, OWN, OWN] },
    'actor_excluded',
    'This recipient itself caused 2 of the 3 events, the latest of 2026-01-15 12:00:00 UTC: nobody is notified of their own acts. This recipient is not among those of the other event of 2026-01-15 12:00:00 UTC.',
  ],
  [
    'a notifier that chose no channel',
    { events: [FOREIGN, WITHOUT_CHANNEL] },
    'no_channel',
    'This recipient is among those of the event of 2026-01-15 12:00:00 UTC, and the notifier chose no channel for it: look at `channels` of the notifier "k".',
  ],
  [
    'an event that waits for its time',
    { events: [FOREIGN, SCHEDULED] },
    'scheduled',
    'An event is scheduled for 2026-01-15 18:00:00 UTC: this recipient is in its audience.',
  ],
  [
    'events that wait for their time',
    { events: [event({ ...SCHEDULED, sendAt: hoursAfter(9) }), SUBSCRIBED] },
    'scheduled',
    'An event is scheduled for 2026-01-15 18:00:00 UTC: this recipient subscribes to one of its topics, and will be in its audience if it still does then. It is the first of 2.',
  ],
  [
    'an event in planning',
    { events: [FOREIGN, PLANNING] },
    'planning',
    "The event of 2026-01-15 12:00:00 UTC is still being planned, and this recipient's turn has not come yet. Where that goes on, look at whether a worker is running.",
  ],
  [
    'code that failed once',
    { events: [{ ...PLANNING, tries: 1 }] },
    'planning',
    "The event of 2026-01-15 12:00:00 UTC is still being planned: the notifier's own code has failed for this recipient once and will be tried again. The server's log says how it failed.",
  ],
  [
    'a delivery',
    { deliveryCount: 1, events: [event()] },
    'per_delivery',
    'There is one delivery of "k" to this recipient: its explanation says what became of it.',
  ],
  [
    'deliveries',
    { deliveryCount: 50, since: NOON },
    'per_delivery',
    'There are 50 deliveries of "k" to this recipient since 2026-01-15 12:00:00 UTC: their explanations say what became of each.',
  ],
  [
    'more deliveries than are explained',
    { deliveryCount: 51 },
    'per_delivery',
    'There are more than 50 deliveries of "k" to this recipient: the explanations of the newest 50 say what became of each, and `deliveries` lists the others.',
  ],
  [
    'a delivery, and another to come',
    { deliveryCount: 1, events: [SCHEDULED] },
    'per_delivery',
    'There is one delivery of "k" to this recipient: its explanation says what became of it. More is to come. An event is scheduled for 2026-01-15 18:00:00 UTC: this recipient is in its audience.',
  ],
])('%s: it is said, and where to look', (_, facts, finding, summary) => {
  expect(find(facts)).toEqual({ finding, summary })
})

test('what exists comes first, then what is to come, then what happened, then why nothing did', () => {
  const everything = [OWN, WITHOUT_CHANNEL, FOREIGN, CUT_SHORT, SCHEDULED, PLANNING]
  const without = (...gone: SeenEvent[]) => ({ events: everything.filter((one) => !gone.includes(one)) })
  const inOrder = [
    { ...without(), deliveryCount: 1 },
    without(),
    without(PLANNING),
    without(PLANNING, SCHEDULED),
    without(PLANNING, SCHEDULED, WITHOUT_CHANNEL),
    without(PLANNING, SCHEDULED, WITHOUT_CHANNEL, OWN),
    without(...everything),
  ]
  expect(inOrder.map((facts) => find(facts).finding)).toEqual(RECIPIENT_FINDINGS)
})

test('others of an event that is planned or scheduled are not taken for its audience', () => {
  const others = [event({ status: 'planning' }), event({ status: 'scheduled', sendAt: hoursAfter(1) })]
  expect(find({ events: others }).finding).toBe('not_a_recipient')
})
