import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ExplainDeliveryDocument } from '../../client-sdk/index.ts'
import { decodeNodeId } from '../../server/core/node-id.ts'
import { log } from '../../server/index.ts'
import { commentMentioned, invoicePaid, maintenancePlanned } from '../../server/notifiers/examples.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { PROCESS_TEST_MS, runCarillon } from './carillon-process.ts'
import { typed } from './typed.ts'

/** The notifiers of the configuration that comes along, which the processes load. */
const config = {
  notifiers: [commentMentioned, invoicePaid, maintenancePlanned],
  adapters: { email: log({ name: 'email-log' }), sms: log({ name: 'sms-log' }) },
}
const PAYLOAD = { author: 'Ada', text: 'Hello', threadId: 't', mentioned: ['bob'] }
const TRIGGER = `mutation ($input: TriggerInput!) { trigger(input: $input) { event { id deliveries { edges { node { id channel } } } } } }`

let carillon: TestCarillon
let dataDir: string
let eventId: string
let emailId: string

beforeAll(async () => {
  carillon = await startCarillon(config)
  dataDir = await mkdtemp(join(tmpdir(), 'carillon-cli-'))
  const { graphqlUrl, operatorKey } = carillon
  await writeFile(join(dataDir, 'dev.json'), JSON.stringify({ graphqlUrl, operatorKey }))
  const input = { notificationKey: 'comment.mentioned', idempotencyKey: 'comment-1', payload: PAYLOAD }
  const { trigger } = await carillon.ok(operatorKey, TRIGGER, { input })
  await carillon.drainJobs()
  eventId = trigger.event.id
  const nodes = trigger.event.deliveries.edges.map(({ node }: { node: { id: string; channel: string } }) => node)
  emailId = nodes.find(({ channel }: { channel: string }) => channel === 'email').id
})
afterAll(async () => {
  await carillon.close()
  await rm(dataDir, { recursive: true, force: true })
})

/** As beside `carillon dev`. */
const beside = (...args: string[]) => typed(args, { CARILLON_DATA_DIR: dataDir })
/** As an operator who can reach the database alone. */
const onDatabase = (...args: string[]) =>
  typed([...args, '--tenant', 'acme'], { CARILLON_DATA_DIR: '/nowhere', DATABASE_URL: carillon.databaseUrl })

test(
  "an explanation is the API's own, over HTTP and over the database, by the API's id and by a log's",
  async () => {
    const uuid = decodeNodeId(emailId)?.id as string
    const query = `${ExplainDeliveryDocument}`
    const variables = { deliveryId: emailId, timelineFirst: 100 }
    const { explainDelivery } = await carillon.ok(carillon.operatorKey, query, variables)
    const byId = await runCarillon(['explain', emailId, '--json'], { CARILLON_DATA_DIR: dataDir })
    const byUuid = await onDatabase('explain', uuid, '--json')
    expect([byId.code, byId.stderr, byUuid.code, byUuid.stderr]).toEqual([0, '', 0, ''])
    expect(JSON.parse(byId.stdout)).toEqual(explainDelivery)
    expect(JSON.parse(byUuid.stdout)).toEqual(explainDelivery)
  },
  PROCESS_TEST_MS,
)

test('in words it begins with the summary, and shows what would send it, every decision and the timeline', async () => {
  const { code, stdout } = await beside('explain', emailId)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Not sent: the recipient had no address for email/)
  expect(stdout).toContain('Register an address of the recipient for email')
  expect(stdout).toMatch(/PLANNING +address +SUPPRESS +missing_address/)
  expect(stdout).toMatch(/ suppressed +reason="missing_address"/)
})

test('an event is explained with all its deliveries, by its id and by its idempotency key', async () => {
  const byId = await beside('explain', eventId, '--json')
  const byKey = await beside('explain', 'comment-1')
  const { event, explanations } = JSON.parse(byId.stdout)
  expect(event.id).toBe(eventId)
  expect(explanations.map(({ channel }: { channel: string }) => channel).sort()).toEqual(['email', 'in_app'])
  expect(byKey.stdout).toContain(`Event ${eventId}: comment.mentioned v1, PLANNED`)
  expect(byKey.stdout).toContain('Arrived in the inbox')
})

test('who got nothing is explained too, and what does not exist ends with 1', async () => {
  const recipient = await beside('explain', '--recipient', 'zed', '--notification', 'comment.mentioned', '--json')
  const unknown = await beside('explain', 'no-such-thing')
  expect(JSON.parse(recipient.stdout)).toMatchObject({
    recipientId: 'zed',
    finding: 'not_a_recipient',
    explanations: [],
  })
  expect(unknown).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('no event with this idempotency key'),
  })
})

test('a payload that does not fit is told field by field', async () => {
  const { code, stderr } = await beside('simulate', 'comment.mentioned', '--payload', '{"author":1}')
  expect(code).toBe(1)
  expect(stderr).toContain('the payload does not fit its schema')
  expect(stderr).toMatch(/^- author: .+/m)
})

test('simulate and preview answer as the API does, and write nothing', async () => {
  const file = join(dataDir, 'payload.json')
  await writeFile(file, JSON.stringify(PAYLOAD))
  const simulated = await onDatabase(
    'simulate',
    'comment.mentioned',
    '--payload',
    `@${file}`,
    '--at',
    '2030-01-04T22:30:00Z',
    '--json',
  )
  const previewed = await beside(
    'preview',
    'comment.mentioned',
    '--channel',
    'email',
    '--payload',
    `@${file}`,
    '--field',
    'subject',
  )
  expect(JSON.parse(simulated.stdout)).toMatchObject({
    at: '2030-01-04T22:30:00.000Z',
    recipientCount: 1,
    recipients: [
      { recipientId: 'bob', deliveries: [{ channel: 'email', verdict: 'SUPPRESS' }, { channel: 'in_app' }] },
    ],
  })
  expect(previewed).toEqual({ code: 0, stdout: 'Ada mentioned you\n', stderr: '' })
  const { rows } = await carillon.sql.query('select count(*)::int as events from event')
  expect(rows).toEqual([{ events: 1 }])
})

test("an export is written for its owner's eyes alone, and of nobody nothing is held", async () => {
  const file = join(dataDir, 'bob.json')
  const known = await beside('export', 'bob', '--output', file)
  const unknown = await beside('export', 'nobody')
  expect([known.code, known.stdout]).toEqual([0, ''])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
    recipientId: 'bob',
    notifications: [{ notificationKey: 'comment.mentioned' }],
  })
  expect(unknown.code).toBe(1)
  expect(JSON.parse(unknown.stdout)).toMatchObject({ recipientId: 'nobody', notifications: [] })
})

test('who cannot be asked is named, with what to do', async () => {
  const away = await typed(['explain', 'x'], { CARILLON_URL: 'http://127.0.0.1:1', CARILLON_KEY: 'ck_x' })
  const refused = await typed(['explain', 'x', '--url', carillon.graphqlUrl, '--key', 'ck_wrong'])
  const nobody = await typed(['explain', 'x'], { CARILLON_DATA_DIR: '/nowhere' })
  expect([away.code, refused.code, nobody.code]).toEqual([1, 1, 1])
  expect(away.stderr).toContain('Cannot reach http://127.0.0.1:1/graphql')
  expect(refused.stderr).not.toMatch(/\n\s+at /)
  expect(nobody.stderr).toContain('Name a server (--url and --key')
})
