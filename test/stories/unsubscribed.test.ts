import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { smtp } from '../../server/index.ts'
import { type ReceivedMail, type SmtpProvider, smtpProvider } from '../adapters/smtp-provider.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { alarm, mention } from '../support/notifiers.ts'
import { until } from '../support/until.ts'

/** A proxy has this name, and the certificate that one-click asks for. */
const PUBLIC_URL = 'https://notify.example.test'

let mailServer: SmtpProvider
let carillon: TestCarillon
let backend: CarillonClient
let operator: CarillonClient

beforeAll(async () => {
  mailServer = await smtpProvider()
  const mail = smtp({ url: `smtp://127.0.0.1:${mailServer.port}`, from: 'Example <no-reply@example.test>' })
  const config = { notifiers: [mention, alarm], adapters: { email: mail } }
  carillon = await startCarillon(config, { publicUrl: PUBLIC_URL })
  carillon.app.worker.start()
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
  operator = createClient({ url: carillon.graphqlUrl, token: carillon.operatorKey })
})
afterAll(async () => {
  backend.close()
  operator.close()
  await carillon.close()
  await mailServer.close()
})

const headersOf = ({ mail }: ReceivedMail): Record<string, string> =>
  Object.fromEntries(mail.headers.map(({ key, value }) => [key, value]))

const tell = async (notificationKey: string, idempotencyKey: string): Promise<string> => {
  const payload = notificationKey === 'comment.mentioned' ? { author: 'Ada' } : {}
  const recipients = [{ id: 'bob', email: 'bob@example.test' }]
  return (await backend.trigger({ notificationKey, idempotencyKey, payload, recipients })).event.id
}
const mailNumber = (count: number): Promise<ReceivedMail> =>
  until(`mail ${count} has come`, () => mailServer.mails[count - 1])
const emailOf = async (eventId: string) => {
  const [edge] = (await operator.deliveries({ filter: { eventId, channel: 'email' } })).edges
  const explanation = await operator.explainDelivery({ deliveryId: edge?.node.id as string })
  if (!explanation) throw new Error('there is no explanation')
  return explanation
}

test('a reader unsubscribes with the button beside the sender, gets no more of it, and support can tell why', async () => {
  await tell('comment.mentioned', 'first')
  const headers = headersOf(await mailNumber(1))
  expect(headers['list-unsubscribe-post']).toBe('List-Unsubscribe=One-Click')
  const link = /^<(https:[^>]+)>$/.exec(headers['list-unsubscribe'] ?? '')?.[1] as string
  expect(link).toMatch(/^https:\/\/notify\.example\.test\/unsubscribe\/[\w-]+$/)
  expect(link).not.toMatch(/bob|acme|comments/)
  const served = link.replace(PUBLIC_URL, new URL(carillon.graphqlUrl).origin)

  // The mail server of the reader looks at every link before the reader does.
  expect((await fetch(served)).status).toBe(200)
  await tell('comment.mentioned', 'second')
  await mailNumber(2)

  const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })
  expect((await fetch(served, { method: 'POST', body })).status).toBe(200)

  const third = await emailOf(await tell('comment.mentioned', 'third'))
  expect(third).toMatchObject({ status: 'SUPPRESSED', suppressionReason: 'category_disabled' })
  expect(third.summary).toMatch(/^Not sent: the recipient had switched this category of notifications on email off/)
  expect(third.decisions.find(({ verdict }) => verdict === 'SUPPRESS')).toMatchObject({
    rule: 'category_preference',
    facts: { preference: 'category_channel', enabled: false },
  })
  const bob = createClient({ url: carillon.graphqlUrl, token: await carillon.tokenFor('bob') })
  expect((await bob.preferences()).preferences).toMatchObject([
    { category: 'comments', channel: 'email', enabled: false },
  ])
  expect((await bob.inbox()).counts.total).toBe(3)
  bob.close()

  // What nobody can switch off comes as before, and offers no way to.
  await tell('security.alarm', 'alarm')
  const alarmed = await mailNumber(3)
  expect(alarmed.mail.subject).toBe('Somebody signed in')
  expect(Object.keys(headersOf(alarmed)).filter((name) => name.startsWith('list-'))).toEqual([])
})
