import type { ExampleTab } from '../http/graphiql.ts'
import { examplePayload, payloadFaults } from '../notifiers/example-payload.ts'
import type { Registry } from '../notifiers/registry.ts'

/** Of the configuration that comes along. */
const EXAMPLE = 'comment.mentioned'

const EXAMPLE_PAYLOAD = { author: 'Ada', text: 'Have a look at this', threadId: 't1', mentioned: ['bob'] }

interface ExampleTrigger {
  readonly input: {
    readonly notificationKey: string
    readonly payload: unknown
    readonly recipients?: readonly object[]
  }
  /** What is to be filled in by hand, for it cannot be guessed. */
  readonly faults: readonly string[]
}

/**
 * A trigger to start with: of the example that comes along where it is loaded, else of the first of the host's notifiers
 * for which a payload can be made up.
 */
const exampleTrigger = (notifiers: Registry): ExampleTrigger => {
  const known = notifiers.get(EXAMPLE)
  const isOurs = known !== undefined && payloadFaults(known, EXAMPLE_PAYLOAD).length === 0
  const made = [...notifiers.values()].map((definition) => ({ definition, ...examplePayload(definition) }))
  const chosen = made.find(({ faults }) => faults.length === 0) ?? made[0]
  if (isOurs || !chosen) {
    return { input: { notificationKey: EXAMPLE, payload: EXAMPLE_PAYLOAD }, faults: [] }
  }
  const { definition, payload, faults } = chosen
  const recipients = definition.recipients ? {} : { recipients: [{ id: 'bob' }] }
  return { input: { notificationKey: definition.key, payload, ...recipients }, faults }
}

const FRIDAY_NIGHT = '2030-01-04T22:30:00Z'

/** The tabs that GraphiQL opens with in development. */
export const exampleTabs = (notifiers: Registry): readonly ExampleTab[] => {
  const { input, faults } = exampleTrigger(notifiers)
  const toFillIn = faults.map((fault) => `# Fill in ${fault}\n`).join('')
  return [
    {
      query: `# 1. Something happened: tell everyone concerned.
${toFillIn}mutation Trigger($input: TriggerInput!) {
  trigger(input: $input) {
    deduplicated
    event { id status recipientCount }
  }
}`,
      variables: { input: { ...input, idempotencyKey: 'my-first-trigger' } },
    },
    {
      query: `# 2. What Bob sees.
query Inbox {
  inbox(recipientId: "bob") {
    counts { total unread unseen }
    cursor
    notifications(first: 5) {
      edges { node { id content { title body } arrivedAt readAt } }
    }
  }
}`,
    },
    {
      query: `# 3. Why was each of Bob's deliveries sent, or not?
query Why {
  deliveries(filter: { recipientId: "bob" }, first: 5) {
    edges {
      node {
        channel
        status
        explanation {
          summary
          whatWouldSendIt { kind description change }
          timeline { at event detail }
          decisions { checkpoint rule verdict reason facts }
        }
      }
    }
  }
}`,
    },
    {
      query: `# 4. Bob's inbox as it changes: leave this running and trigger again with another idempotencyKey.
subscription Live {
  inboxUpdates(recipientId: "bob") {
    cursor
    counts { unread }
    changed { content { title body } }
  }
}`,
    },
    {
      query: `# 5. Who would get what, if this were triggered on Friday at half past ten in the evening? Nothing is written or sent.
query WhatIf($input: SimulateTriggerInput!) {
  simulateTrigger(input: $input) {
    recipientCount
    recipients { recipientId deliveries { channel verdict reason nextEligibleAt summary } }
  }
}`,
      variables: { input: { ...input, at: FRIDAY_NIGHT } },
    },
  ]
}

/** What a newcomer pastes into a shell, with everything filled in. */
export const shellExamples = (
  notifiers: Registry,
  {
    graphqlUrl,
    backendKey,
    operatorKey,
  }: { readonly graphqlUrl: string; readonly backendKey: string; readonly operatorKey: string },
): string => {
  const query = 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }'
  const { input, faults } = exampleTrigger(notifiers)
  // The shell fills in the time: each call is a trigger of its own.
  const variables = `{"input":${JSON.stringify(input).replaceAll("'", "'\\''").slice(0, -1)},"idempotencyKey":"'$(date +%s)'"}}`
  const toFillIn = faults.map((fault) => `\n  Fill in ${fault}`).join('')
  return `Trigger something:${toFillIn}

  curl -s ${graphqlUrl} -H 'content-type: application/json' -H 'authorization: Bearer ${backendKey}' \\
    -d '{"query":"${query}","variables":${variables}}'

Watch Bob's inbox while you do (Ctrl-C ends it):

  curl -sN '${graphqlUrl}' -H 'content-type: application/json' -H 'accept: text/event-stream' -H 'authorization: Bearer ${operatorKey}' \\
    -d '{"query":"subscription { inboxUpdates(recipientId: \\"bob\\") { counts { unread } changed { content { title body } } } }"}'
`
}
