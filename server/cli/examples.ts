import type { ExampleTab } from '../http/graphiql.ts'
import type { Registry } from '../notifiers/registry.ts'

/** Of the configuration that comes along. */
const EXAMPLE = 'comment.mentioned'

/** A trigger to start with: of the example that comes along where it is loaded, else of the host's first notifier. */
const exampleInput = (notifiers: Registry) => {
  const [first] = notifiers.keys()
  if (notifiers.has(EXAMPLE) || first === undefined) {
    const payload = { author: 'Ada', text: 'Have a look at this', threadId: 't1', mentioned: ['bob'] }
    return { notificationKey: EXAMPLE, payload }
  }
  return {
    notificationKey: first,
    payload: {},
    ...(notifiers.get(first)?.recipients ? {} : { recipients: [{ id: 'bob' }] }),
  }
}

const FRIDAY_NIGHT = '2030-01-04T22:30:00Z'

/** The tabs that GraphiQL opens with in development. */
export const exampleTabs = (notifiers: Registry): readonly ExampleTab[] => [
  {
    query: `# 1. Something happened: tell everyone concerned.
mutation Trigger($input: TriggerInput!) {
  trigger(input: $input) {
    deduplicated
    event { id status recipientCount }
  }
}`,
    variables: { input: { ...exampleInput(notifiers), idempotencyKey: 'my-first-trigger' } },
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
    variables: { input: { ...exampleInput(notifiers), at: FRIDAY_NIGHT } },
  },
]

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
  // The shell fills in the time: each call is a trigger of its own.
  const variables = JSON.stringify({ input: { ...exampleInput(notifiers), idempotencyKey: 'NOW' } }).replace(
    'NOW',
    `'$(date +%s)'`,
  )
  return `Trigger something:

  curl -s ${graphqlUrl} -H 'content-type: application/json' -H 'authorization: Bearer ${backendKey}' \\
    -d '{"query":"${query}","variables":${variables}}'

Watch Bob's inbox while you do (Ctrl-C ends it):

  curl -sN '${graphqlUrl}' -H 'content-type: application/json' -H 'accept: text/event-stream' -H 'authorization: Bearer ${operatorKey}' \\
    -d '{"query":"subscription { inboxUpdates(recipientId: \\"bob\\") { counts { unread } changed { content { title body } } } }"}'
`
}
