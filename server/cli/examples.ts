import type { ExampleTab } from '../http/graphiql.ts'

/** The tabs that GraphiQL opens with in development. */
export const EXAMPLE_TABS: readonly ExampleTab[] = [
  {
    query: `# 1. Something happened: tell everyone concerned.
mutation Trigger($input: TriggerInput!) {
  trigger(input: $input) {
    deduplicated
    event { id status recipientCount }
  }
}`,
    variables: {
      input: {
        notificationKey: 'comment.mentioned',
        idempotencyKey: 'my-first-trigger',
        payload: { author: 'Ada', text: 'Have a look at this', threadId: 't1', mentioned: ['bob'] },
      },
    },
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
    counts { unread unseen }
    changed { id content { title } readAt }
  }
}`,
  },
]

/** What a newcomer pastes into a shell, with everything filled in. */
export const shellExamples = ({
  graphqlUrl,
  backendKey,
  operatorKey,
}: {
  readonly graphqlUrl: string
  readonly backendKey: string
  readonly operatorKey: string
}): string => `Trigger something:

  curl -s ${graphqlUrl} -H 'content-type: application/json' -H 'authorization: Bearer ${backendKey}' \\
    -d '{"query":"mutation { trigger(input: { notificationKey: \\"comment.mentioned\\", idempotencyKey: \\"'$(date +%s)'\\", payload: { author: \\"Ada\\", text: \\"Hello\\", threadId: \\"t1\\", mentioned: [\\"bob\\"] } }) { event { id } } }"}'

Watch Bob's inbox while you do (Ctrl-C ends it):

  curl -sN '${graphqlUrl}' -H 'content-type: application/json' -H 'accept: text/event-stream' -H 'authorization: Bearer ${operatorKey}' \\
    -d '{"query":"subscription { inboxUpdates(recipientId: \\"bob\\") { counts { unread } changed { content { title body } } } }"}'
`
