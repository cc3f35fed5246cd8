import { z } from 'zod'
import { defineNotifier } from '../../server/index.ts'
import type { GraphQLAnswer, TestCarillon } from './carillon.ts'

/** To the inbox, after three days by e-mail, and to the books where that cannot be sent or much is owed. */
export const invoiceOverdue = defineNotifier({
  key: 'invoice.overdue',
  version: 1,
  category: 'billing',
  payload: z.object({ invoiceId: z.string(), amount: z.number() }),
  channels: ['in_app', 'email', 'books'],
  render: {
    in_app: ({ payload }) => ({ title: `Invoice ${payload.invoiceId} is overdue` }),
    email: ({ payload }) => ({ subject: `Invoice ${payload.invoiceId}`, html: '', text: `Pay ${payload.amount}` }),
    books: ({ payload }) => ({ invoice: payload.invoiceId, amount: payload.amount }),
  },
  workflow: {
    key: 'invoice-dunning',
    version: 1,
    steps: [
      {
        key: 'tell',
        channel: 'in_app',
        next: [{ wait: '3d', signals: ['invoice.paid'], onSignal: 'stop', onTimeout: 'remind' }],
      },
      {
        key: 'remind',
        channel: 'email',
        next: [
          { on: ['bounced', 'permanent_failure'], to: 'hand_over' },
          { when: 'large', test: ({ payload }) => payload.amount >= 1000, to: 'hand_over' },
        ],
      },
      { key: 'hand_over', channel: 'books' },
    ],
  },
})

/** To the inbox, and by e-mail to those who have not read it within an hour. */
export const mentionJourney = defineNotifier({
  key: 'comment.mentioned',
  version: 1,
  category: 'comments',
  payload: z.object({ author: z.string() }),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload }) => ({ title: `${payload.author} mentioned you` }),
    email: ({ payload }) => ({ subject: `${payload.author} mentioned you`, html: '', text: 'Have a look' }),
  },
  workflow: {
    key: 'mention',
    version: 1,
    steps: [
      {
        key: 'inbox',
        channel: 'in_app',
        next: [{ wait: '1h', signals: ['notification.read'], onTimeout: 'mail' }],
      },
      { key: 'mail', channel: 'email' },
    ],
  },
})

const RUN = `id workflowKey workflowVersion state currentStepKey statusReason waitingUntil waitingForSignals startedAt lastTransitionAt
  notification { id recipientId }
  transitions { id fromState toState stepKey reason context insertedAt delivery { id channel stepKey status suppressionReason } }`

/** The runs that fit, oldest first, with their moves. */
export const runsOf = async (
  carillon: TestCarillon,
  filter: Record<string, unknown> = {},
): Promise<GraphQLAnswer['data'][]> => {
  const query = `query ($filter: WorkflowRunFilter) { workflowRuns(filter: $filter, first: 100) { edges { node { ${RUN} } } } }`
  const { workflowRuns } = await carillon.ok(carillon.operatorKey, query, { filter })
  return workflowRuns.edges.map(({ node }: GraphQLAnswer['data']) => node).reverse()
}

/** The one run that fits. */
export const runOf = async (
  carillon: TestCarillon,
  filter: Record<string, unknown> = {},
): Promise<GraphQLAnswer['data']> => {
  const found = await runsOf(carillon, filter)
  if (found.length !== 1) throw new Error(`expected one run, found ${found.length}`)
  return found[0]
}

/** How a run stands: its state, step and reason. */
export const standOf = ({ state, currentStepKey, statusReason }: GraphQLAnswer['data']): string =>
  `${state} ${currentStepKey} ${statusReason}`

/** Why a run moved, in order. */
export const movesOf = ({ transitions }: GraphQLAnswer['data']): string[] =>
  transitions.map(({ reason }: { reason: string }) => reason)

const SIGNAL =
  'mutation ($input: SignalInput!) { signal(input: $input) { deduplicated signal { id name recipientId insertedAt } } }'

/** Says that something happened, allowed or not. */
export const trySignal = (carillon: TestCarillon, input: Record<string, unknown>): Promise<GraphQLAnswer> =>
  carillon.ask(carillon.backendKey, SIGNAL, { input })

/** Says that something happened, and fails where that is refused. */
export const signal = async (carillon: TestCarillon, input: Record<string, unknown>): Promise<GraphQLAnswer['data']> =>
  (await carillon.ok(carillon.backendKey, SIGNAL, { input })).signal
