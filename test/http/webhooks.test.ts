import { createHmac, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  defineConfig,
  log,
  mailgun,
  memory,
  postmark,
  smtp,
  twilio,
  WebhookSignatureError,
  WebhookUnavailableError,
  webhook,
} from '../../server/index.ts'
import { logTelemetry } from '../../server/logging.ts'
import { countTests, tallyOf } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { openCuttableProxy } from '../support/cuttable-proxy.ts'
import { createTestDatabase } from '../support/database.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { contentOfTables } from '../support/nothing-written.ts'
import { invoice, page, reminder, siren } from '../support/notifiers.ts'
import { reportsOf, takesEvents, webhookUrl } from '../support/reports.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'
import { until } from '../support/until.ts'

const SECRET = `whsec_${randomBytes(32).toString('base64')}`
const POSTMARK = { username: 'postmark', password: randomBytes(24).toString('base64url') }
const SIGNING_KEY = randomBytes(24).toString('hex')
const TWILIO_TOKEN = randomBytes(16).toString('hex')
const PUBLIC_URL = 'https://notify.example.test'
/** What nobody must find anywhere. */
const CANARY = `canary${randomBytes(8).toString('hex')}`

/** An adapter whose receiver does as it is told. */
const strange = scripted('strange', {
  receive({ rawBody }) {
    const { does } = JSON.parse(Buffer.from(rawBody).toString())
    if (does === 'throws') throw new Error(`cannot read ${Buffer.from(rawBody)}`)
    if (does === 'throws nothing') throw null
    if (does === 'forbids') throw new WebhookSignatureError(`forged: ${Buffer.from(rawBody)}`)
    if (does === 'waits') throw new WebhookUnavailableError(`later: ${Buffer.from(rawBody)}`)
    if (does === 'rejects') return Promise.reject(new Error(`cannot read ${Buffer.from(rawBody)}`))
    return does
  },
})
const mailServer = { url: 'smtp://127.0.0.1:1', from: 'Example <no-reply@example.test>' }
const config = defineConfig({
  notifiers: [invoice, page, siren, reminder],
  adapters: {
    email: [
      memory({ name: 'outbox' }),
      smtp({ ...mailServer, name: 'postmark', feedback: postmark(POSTMARK) }),
      smtp({ ...mailServer, name: 'mailgun', feedback: mailgun({ signingKey: SIGNING_KEY }) }),
    ],
    pager: [log({ name: 'paper' }), webhook({ name: 'crm', url: 'https://crm.example.test', secret: SECRET })],
    siren: [log({ name: 'paper 2' }), strange, { ...scripted('events'), ...takesEvents, name: 'a name / with ü' }],
    sms: [
      log({ name: 'paper 3' }),
      twilio({ accountSid: `AC${'0'.repeat(32)}`, authToken: TWILIO_TOKEN, from: '+15005550006' }),
    ],
  },
})

let carillon: TestCarillon
const logged: string[] = []
beforeAll(async () => {
  carillon = await startCarillon(config, { publicUrl: PUBLIC_URL })
  logTelemetry(carillon.app.telemetry, pino({}, { write: (line: string) => void logged.push(line) }))
})
const tally = tallyOf('S14')
afterAll(async () => {
  await carillon.close()
  tally.report()
})

interface Webhook {
  readonly body: string | Uint8Array
  readonly headers?: Record<string, string>
}

const post = (adapter: string, { body, headers = {} }: Webhook, tenantId?: string, to = carillon): Promise<Response> =>
  fetch(webhookUrl(to, adapter, tenantId), { method: 'POST', body: body as string, headers })

const seconds = (): string => String(Math.floor(Date.now() / 1_000))
let count = 0
const fresh = (): string => `event-${++count}`

/** As Standard Webhooks say. */
const signedByCrm = (body: string, { id = fresh(), timestamp = seconds(), secret = SECRET } = {}): Webhook => {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    body,
    headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` },
  }
}
const saysCrm = (deliveryId: string, type = 'delivered'): string =>
  JSON.stringify({ type: `delivery.${type}`, data: { deliveryId, note: CANARY } })

const fromPostmark = (body: object, { username, password } = POSTMARK): Webhook => ({
  body: JSON.stringify({ ...body, Email: `${CANARY}@example.test` }),
  headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
})
const deliveredByPostmark = (deliveryId: string): object => ({
  RecordType: 'Delivery',
  MessageID: `pm-${fresh()}`,
  DeliveredAt: '2026-01-15T12:00:00Z',
  Metadata: { 'carillon-delivery-id': deliveryId },
})

const fromMailgun = (
  event: object,
  { key = SIGNING_KEY, timestamp = seconds(), token = randomBytes(25).toString('hex') } = {},
) => ({
  body: JSON.stringify({
    signature: {
      timestamp,
      token,
      signature: createHmac('sha256', key)
        .update(timestamp + token)
        .digest('hex'),
    },
    'event-data': { ...event, recipient: `${CANARY}@example.test` },
  }),
})
const deliveredByMailgun = (deliveryId: string): object => ({
  event: 'delivered',
  'user-variables': { 'carillon-delivery-id': deliveryId },
})

/** A delivery on that channel, handed over. */
const sent = async (notificationKey: string, payload: object, channel: string) => {
  const recipients = [{ id: `r${++count}`, email: `r${count}@example.test`, phone: `+49151000${count}` }]
  const { event } = await trigger(carillon, { notificationKey, payload, recipients })
  await carillon.drainJobs()
  return deliveryOf(carillon, { eventId: event.id, channel })
}
const mailed = () => sent('invoice.sent', { number: 7 }, 'email')
const paged = () => sent('pager.call', {}, 'pager')

const counted = async (): Promise<number> => {
  const { rows } = await carillon.sql.query('select count(*)::int from webhook_ingress')
  return rows[0].count
}

describe('what a provider rightly says', () => {
  test.each([
    ['crm', paged, (id: string) => signedByCrm(saysCrm(id))],
    ['postmark', mailed, (id: string) => fromPostmark(deliveredByPostmark(id))],
    ['mailgun', mailed, (id: string) => fromMailgun(deliveredByMailgun(id))],
  ])('%s is answered with 204 once it is kept, and carried out', async (adapter, send, says) => {
    const delivery = await send()
    const response = await post(adapter, says(delivery.id))
    expect([response.status, await response.text()]).toEqual([204, ''])
    expect(await reportsOf(carillon, { deliveryId: delivery.id })).toMatchObject([
      { adapter, normalizedStatus: 'delivered', state: 'QUEUED', delivery: { id: delivery.id } },
    ])
    await carillon.drainJobs()
    const { notification } = delivery
    const after = await deliveryOf(carillon, { recipientId: notification.recipientId })
    expect(after.attempts.at(-1)).toMatchObject({ adapter, source: 'feedback', outcome: 'SUCCEEDED' })
  })

  test('a status callback of Twilio is verified by the address that the world knows', async () => {
    const delivery = await sent('task.due', {}, 'sms')
    const path = `/webhooks/acme/twilio?carillon-delivery-id=${delivery.id}`
    const form = { MessageSid: `SM${'9f'.repeat(16)}`, MessageStatus: 'delivered' }
    const sign = (url: string) =>
      createHmac('sha1', TWILIO_TOKEN)
        .update(url + Object.entries(form).flat().join(''))
        .digest('base64')
    const callback = async (url: string) => {
      const response = await fetch(webhookUrl(carillon, `twilio?carillon-delivery-id=${delivery.id}`), {
        method: 'POST',
        body: new URLSearchParams(form),
        headers: { 'x-twilio-signature': sign(url) },
      })
      return response.status
    }
    expect(await callback(webhookUrl(carillon, `twilio?carillon-delivery-id=${delivery.id}`))).toBe(401)
    expect(await callback(PUBLIC_URL + path)).toBe(204)
    expect(await reportsOf(carillon, { adapter: 'twilio' })).toMatchObject([{ delivery: { id: delivery.id } }])
  })

  test('a kind that says nothing of a delivery is taken, and nothing is kept', async () => {
    const before = await counted()
    expect((await post('crm', signedByCrm('{"type":"delivery.opened"}'))).status).toBe(204)
    expect((await post('postmark', fromPostmark({ RecordType: 'Open' }))).status).toBe(204)
    const temporary = { event: 'failed', severity: 'temporary' }
    expect((await post('mailgun', fromMailgun(temporary))).status).toBe(204)
    expect(await counted()).toBe(before)
  })

  test('a body in pieces, of a length that nobody has announced, is verified as it came', async () => {
    const { id } = await paged()
    const { body, headers = {} } = signedByCrm(saysCrm(id).replace(CANARY, 'ä😀'.repeat(1_000)))
    const bytes = Buffer.from(body as string)
    const pieces = Array.from({ length: Math.ceil(bytes.length / 97) }, (_, i) => bytes.subarray(i * 97, (i + 1) * 97))
    const stream = Readable.toWeb(Readable.from(pieces)) as ReadableStream
    const init = { method: 'POST', body: stream, headers, duplex: 'half' } as RequestInit
    expect((await fetch(webhookUrl(carillon, 'crm'), init)).status).toBe(204)
  })

  test('any name of an adapter can be written in an address', async () => {
    const name = encodeURIComponent('a name / with ü')
    expect((await post(name, { body: '[]' })).status).toBe(204)
  })

  test('a repeat is answered like the first, and changes nothing', async () => {
    const { id } = await paged()
    const says = signedByCrm(saysCrm(id))
    for (let time = 0; time < 3; time++) expect((await post('crm', says)).status).toBe(204)
    const kept = await reportsOf(carillon, { deliveryId: id })
    tally.tried('a webhook that was overheard, sent again', kept.length > 1)
    expect(kept).toHaveLength(1)
  })
})

describe('what is refused with 401, all of it alike, with nothing written', () => {
  countTests(tally)

  let before: Record<string, string>
  beforeEach(async () => {
    before = await contentOfTables(carillon)
  })
  afterEach(async () => {
    expect(await contentOfTables(carillon)).toEqual(before)
  })

  const answerOf = async (response: Response) => ({
    status: response.status,
    body: await response.text(),
    headers: [...response.headers].filter(([name]) => name !== 'date'),
  })
  const body = saysCrm('RGVsaXZlcnk6MQ')
  const forged = () => post('crm', signedByCrm(body, { secret: `whsec_${Buffer.alloc(32).toString('base64')}` }))

  test.each<[string, () => Promise<Response>]>([
    ['a wrong signature', forged],
    ['no signature', () => post('crm', { body })],
    ['a changed body', () => post('crm', { ...signedByCrm(body), body: `${body} ` })],
    ['an old signature', () => post('crm', signedByCrm(body, { timestamp: String(Number(seconds()) - 301) }))],
    ['an empty body', () => post('crm', { body: '' })],
    ['no login', () => post('postmark', { body: JSON.stringify(deliveredByPostmark('x')) })],
    [
      'a wrong password',
      () => post('postmark', fromPostmark(deliveredByPostmark('x'), { username: 'postmark', password: 'no' })),
    ],
    ['a wrong key', () => post('mailgun', fromMailgun(deliveredByMailgun('x'), { key: 'no' }))],
    ['no JSON, where the signature lies within', () => post('mailgun', { body: CANARY })],
    ['an adapter that does not exist', () => post('nobody', signedByCrm(body))],
    ['an adapter that takes no webhooks', () => post('outbox', signedByCrm(body))],
    ['an adapter named like something of every object', () => post('constructor', signedByCrm(body))],
    ['a tenant that does not exist', () => post('crm', signedByCrm(body), 'nobody')],
    ['a tenant that nobody could be', () => post('crm', signedByCrm(body), '%00')],
    ['every tenant at once', () => post('crm', signedByCrm(body), '*')],
    ['half of a percent sign', () => post('%E0%A4', signedByCrm(body))],
    ['a receiver that says so', () => post('strange', { body: JSON.stringify({ does: 'forbids', note: CANARY }) })],
  ])('%s', async (_, ask) => {
    const answer = await answerOf(await ask())
    expect(answer).toEqual(await answerOf(await forged()))
    expect(answer).toMatchObject({ status: 401, body: '{"error":"The sender cannot be verified"}' })
  })
})

describe('what is refused with 400, without a word of what was sent', () => {
  countTests(tally)

  test.each<[string, string, Webhook]>([
    ['rightly signed, but no JSON', 'crm', signedByCrm(`${CANARY} {`)],
    ['rightly signed, but without a delivery', 'crm', signedByCrm('{"type":"delivery.delivered"}')],
    ['no JSON behind the right login', 'postmark', { ...fromPostmark({}), body: CANARY }],
    ['no event behind the right signature', 'mailgun', fromMailgun({})],
    ...[
      'throws',
      'throws nothing',
      'rejects',
      null,
      {},
      [null],
      [{}],
      [{ status: 'opened' }],
      [{ status: 'delivered', deliveryId: 7 }],
      [{ status: 'delivered', deliveryId: '' }],
      [{ status: 'delivered', providerEventId: 'x'.repeat(256) }],
      [{ status: 'delivered', providerMessageId: `${CANARY}\u0000` }],
      [{ status: 'delivered', providerMessageId: '\ud800' }],
    ].map((does): [string, string, Webhook] => [
      `a receiver that gives ${JSON.stringify(does).slice(0, 60)}`,
      'strange',
      { body: JSON.stringify({ does, note: CANARY }) },
    ]),
  ])('%s', async (_, adapter, says) => {
    const before = await counted()
    const response = await post(adapter, says)
    expect([response.status, await response.text()]).toEqual([400, '{"error":"The webhook cannot be read"}'])
    expect(await counted()).toBe(before)
  })
})

test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is not how webhooks are sent', async (method) => {
  for (const adapter of ['crm', 'nobody']) {
    const response = await fetch(webhookUrl(carillon, adapter), { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  }
})

test('there is nothing at an address that names no adapter, or more than one', async () => {
  for (const path of ['/webhooks', '/webhooks/acme', '/webhooks/acme/', '/webhooks/acme/crm/', '/webhooks//crm']) {
    const response = await fetch(carillon.graphqlUrl.replace('/graphql', path), { method: 'POST' })
    expect([path, response.status]).toEqual([path, 404])
  }
})

test('a body of 1 MiB is taken, and a larger one is refused before it is looked at, announced or in pieces', async () => {
  const padded = (size: number): string => JSON.stringify({ type: 'delivery.opened' }).padEnd(size)
  const limit = 1024 * 1024
  expect((await post('crm', signedByCrm(padded(limit)))).status).toBe(204)
  for (const adapter of ['crm', 'nobody']) {
    const response = await post(adapter, signedByCrm(padded(limit + 1)))
    expect([response.status, await response.text()]).toEqual([413, '{"error":"The body is larger than 1024 KiB"}'])
  }
  const pieces = Array.from({ length: 17 }, () => Buffer.alloc(64 * 1024, 'x'))
  const body = Readable.toWeb(Readable.from(pieces)) as ReadableStream
  const init = { method: 'POST', body, duplex: 'half' } as RequestInit
  expect((await fetch(webhookUrl(carillon, 'crm'), init)).status).toBe(413)
  expect((await post('crm', signedByCrm('{"type":"delivery.opened"}'))).status).toBe(204)
})

test('a thousand events are taken at once, and one more is not', async () => {
  const events = (size: number) => ({ does: Array.from({ length: size }, () => ({ status: 'delivered' })) })
  expect((await post('strange', { body: JSON.stringify(events(1_000)) })).status).toBe(204)
  const before = await counted()
  expect((await post('strange', { body: JSON.stringify(events(1_001)) })).status).toBe(413)
  expect(await counted()).toBe(before)
})

test('what cannot be verified now is to be sent again', async () => {
  const response = await post('strange', { body: JSON.stringify({ does: 'waits', note: CANARY }) })
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '30'])
  expect(await response.text()).toBe('{"error":"The webhook cannot be taken now; send it again"}')
})

test('while the database is away a webhook is to be sent again, and then it is taken once', async () => {
  const database = await createTestDatabase()
  const proxy = await openCuttableProxy(database.url)
  const away = await startCarillon(config, { databaseUrl: proxy.url })
  try {
    const says = signedByCrm(saysCrm('RGVsaXZlcnk6MQ'))
    proxy.admit('nobody')
    proxy.cut()
    const response = await post('crm', says, 'acme', away)
    expect([response.status, response.headers.has('retry-after')]).toEqual([503, true])
    expect(await response.json()).toEqual({ error: expect.stringContaining('try again') })
    // Nobody learns by it whether a signature is right: the wrong one is told so as ever.
    expect((await post('crm', { body: '{}' }, 'acme', away)).status).toBe(401)

    proxy.admit('everyone')
    await until('it is taken', async () => (await post('crm', says, 'acme', away)).status === 204)
    expect((await post('crm', says, 'acme', away)).status).toBe(204)
    const { rows } = await away.sql.query('select state, ignored_reason from webhook_ingress')
    expect(rows).toEqual([{ state: 'ignored', ignored_reason: 'unresolved' }])
  } finally {
    await away.close()
    await proxy.close()
    await database.drop()
  }
})

test('a provider that hangs up in the middle leaves nothing behind', async () => {
  const before = await counted()
  const { headers = {} } = signedByCrm(saysCrm('x'))
  const end = new AbortController()
  async function* halves() {
    yield Buffer.from(CANARY)
    end.abort()
    await new Promise(() => {})
  }
  const body = Readable.toWeb(Readable.from(halves())) as ReadableStream
  const init = { method: 'POST', body, headers, duplex: 'half', signal: end.signal } as RequestInit
  await expect(fetch(webhookUrl(carillon, 'crm'), init)).rejects.toThrow()
  expect((await post('crm', signedByCrm('{"type":"delivery.opened"}'))).status).toBe(204)
  expect(await counted()).toBe(before)
})

test('each message tells its adapter where its provider can report, where the world knows the server', async () => {
  const calls: unknown[] = []
  const reporter = { ...scripted('reporter'), ...takesEvents, name: 'the reporter' }
  const silent = scripted('silent')
  const told = async (publicUrl: string | null) => {
    const own = await startCarillon(
      defineConfig({ notifiers: [siren], adapters: { pager: reporter, siren: silent } }),
      { publicUrl },
    )
    await trigger(own, { notificationKey: 'siren.call', payload: {} })
    await own.drainJobs()
    await own.close()
    calls.push(reporter.calls.at(-1)?.webhookUrl, silent.calls.at(-1)?.webhookUrl)
  }
  await told(PUBLIC_URL)
  await told(null)
  expect(calls).toEqual([`${PUBLIC_URL}/webhooks/acme/the%20reporter`, undefined, undefined, undefined])
})

test('nothing of all that was sent is in the database or in the log, and the log says what was refused', async () => {
  await carillon.drainJobs()
  const { rows: tables } = await carillon.sql.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'`,
  )
  expect(tables.length).toBeGreaterThan(10)
  for (const { name } of tables) {
    const { rows } = await carillon.sql.query(
      `select coalesce(string_agg(t::text, ' '), '') as content from "${name}" t`,
    )
    expect([name, rows[0].content.includes(CANARY)]).toEqual([name, false])
  }
  const lines = logged.join('')
  for (const secret of [CANARY, POSTMARK.password, SIGNING_KEY, TWILIO_TOKEN, SECRET.slice('whsec_'.length)]) {
    expect(lines).not.toContain(secret)
  }
  for (const problem of [
    'the signature is wrong',
    'too old',
    'cannot be read',
    'no list of events',
    'no such tenant',
  ]) {
    expect(lines).toContain(problem)
  }
})
