// What somebody writes who tries the package: it is copied into the project, and run there.
import { readFile } from 'node:fs/promises'
import { createClient } from 'carillon/client'

const [order] = process.argv.slice(2)
const { graphqlUrl, backendKey, operatorKey } = JSON.parse(await readFile('.carillon/dev.json', 'utf8'))
const backend = createClient({ url: graphqlUrl, token: backendKey })
const operator = createClient({ url: graphqlUrl, token: operatorKey })
const { token } = await backend.createRecipientToken({ recipientId: 'bob' })
const bob = createClient({ url: graphqlUrl, token })

const { cursor, notifications } = await bob.inbox()
const before = notifications.edges.map(({ node }) => node.content.title)
const updates = bob.watchInbox({ after: cursor })
await backend.trigger({
  notificationKey: 'order.shipped',
  idempotencyKey: order,
  payload: { order },
  recipients: [{ id: 'bob' }],
})
let live = null
for await (const { changed } of updates) {
  live = changed.map(({ content }) => content.title)
  if (live.length > 0) break
}

// The e-mail goes by the job loop, a moment later.
let explanation = null
while (explanation?.status !== 'PROVIDER_ACCEPTED') {
  const { edges } = await operator.deliveries({ filter: { recipientId: 'bob', channel: 'email' }, first: 1 })
  explanation = edges[0] ? await operator.explainDelivery({ deliveryId: edges[0].node.id }) : null
}
for (const client of [backend, operator, bob]) client.close()
process.stdout.write(`${JSON.stringify({ before, live, summary: explanation.summary, decisions: explanation.decisions.length })}\n`)
