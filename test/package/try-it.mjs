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
  recipients: [{ id: 'bob', email: 'bob@example.test' }],
})
let live = null
for await (const { changed } of updates) {
  live = changed.map(({ content }) => content.title)
  if (live.length > 0) break
}

// The e-mail goes by the job loop, a moment later.
const emailOf = async () => {
  const { edges } = await operator.deliveries({ filter: { recipientId: 'bob', channel: 'email' }, first: 1 })
  return operator.explainDelivery({ deliveryId: edges[0].node.id })
}
let explanation = await emailOf()
for (let tries = 0; explanation.status !== 'SUCCEEDED'; tries += 1) {
  if (tries === 300) throw new Error(`The e-mail is not sent: ${explanation.summary}`)
  await new Promise((resolve) => setTimeout(resolve, 100))
  explanation = await emailOf()
}
for (const client of [backend, operator, bob]) client.close()
process.stdout.write(
  `${JSON.stringify({ before, live, summary: explanation.summary, decisions: explanation.decisions.length })}\n`,
)
