import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier } from '../../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveriesOf } from '../../support/deliveries.ts'
import { bucketOf, comment, comments, flush, HOURLY, somebody } from '../../support/digests.ts'
import { inboxOf } from '../../support/inbox.ts'
import { operate } from '../../support/operator.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'

const CHANNELS = ['email', 'in_app', 'sms', 'push', 'chat', 'pager'] as const

/** On all channels, held on all, with content of its own for no digest. */
const plain = (key: string, category: string) =>
  defineNotifier({
    key,
    version: 3,
    category,
    payload: z.object({ text: z.string() }),
    channels: CHANNELS,
    render: {
      email: ({ payload }) => ({ subject: payload.text, html: '', text: payload.text }),
      in_app: ({ payload }) => ({ title: payload.text }),
      sms: ({ payload }) => ({ text: payload.text }),
      push: ({ payload }) => ({ title: payload.text, body: '' }),
      chat: ({ payload }) => ({ text: payload.text }),
      pager: ({ payload }) => ({ text: payload.text }),
    },
    digest: { email: {}, in_app: {}, sms: {}, push: {}, chat: {}, pager: {} },
  })

/** What the template of `tested` does next; its own text, where there is nothing. */
let next: (() => unknown)[] = []
/** What the template was given, latest last. */
let given: unknown[] = []
const tested = defineNotifier({
  key: 'tested',
  version: 2,
  category: 'mixed',
  payload: z.object({ text: z.string() }),
  channels: ['email'],
  render: { email: ({ payload }) => ({ subject: payload.text, html: '', text: payload.text }) },
  digest: { email: {} },
  renderDigest: {
    email: (context) => {
      given.push(context)
      const act = next.shift()
      return (act ? act() : { subject: 'tested', html: '', text: 'tested' }) as {
        subject: string
        html: string
        text: string
      }
    },
  },
})

const hourly = { version: 1, groupBy: 'category', window: { kind: 'fixed', minutes: 60 } } as const
const digestRules = CHANNELS.map((channel) => ({ ...hourly, key: `all-${channel}`, channel }))

const clock = new TestClock()
const email = scripted('email', { retry: { attempts: 3, firstDelay: '60s', maxDelay: '60s' } })
const others = scripted('others')
const adapters = { email, sms: others, push: others, chat: others, pager: others }
let carillon: TestCarillon
beforeAll(async () => {
  const notifiers = [plain('one', 'plain'), plain('two', 'mixed'), plain('three', 'mixed'), tested, comment]
  carillon = await startCarillon({ notifiers, adapters, digestRules: [...digestRules, HOURLY] }, { clock })
})
afterAll(() => carillon.close())
beforeEach(() => {
  next = []
  given = []
  clock.set('2026-01-15T12:00:00.000Z')
})

const send = async (notificationKey: string, id: string, text: string, on = carillon): Promise<void> => {
  const addresses = [{ channel: 'push', address: 'device' }]
  const recipients = [{ id, email: `${id}@example.test`, phone: '+44 20 7946 0000', displayName: 'Ada', addresses }]
  await trigger(on, { notificationKey, payload: { text }, recipients })
}

const closeWindows = async (on = carillon): Promise<void> => {
  clock.set('2026-01-15T13:00:00.000Z')
  await on.drainJobs()
}

const messagesTo = (id: string) => [...email.calls, ...others.calls].filter(({ recipient }) => recipient.id === id)
const contentsTo = (id: string): unknown[] => messagesTo(id).map(({ content }) => content)

const mailOf = async (id: string, on = carillon) => {
  const query = `query ($filter: DeliveryFilter) { deliveries(filter: $filter) { edges { node {
    status suppressionReason attempts { outcome errorClass reason } explanation { renderKey renderVersion summary }
    notification { event { isDigest } } } } } }`
  const { deliveries } = await on.ok(on.operatorKey, query, { filter: { recipientId: id, channel: 'email' } })
  return deliveries.edges
    .map(({ node }: GraphQLAnswer['data']) => node)
    .find(({ notification }: GraphQLAnswer['data']) => notification.event.isDigest)
}

test('on every channel the default lists what its members say', async () => {
  const ada = somebody()
  for (const text of ['first', 'second']) await send('one', ada, text)
  await closeWindows()
  const said = Object.fromEntries(messagesTo(ada).map(({ channel, content }) => [channel, content]))
  expect(said).toEqual({
    email: {
      subject: '2 notifications',
      text: '- first\n- second',
      html: '<ul><li>first</li><li>second</li></ul>',
    },
    sms: { text: '2 notifications:\n- first\n- second' },
    push: { title: '2 notifications', body: '- first\n- second' },
    chat: { text: '2 notifications:\n- first\n- second' },
    pager: { count: 2, items: [{ text: 'first' }, { text: 'second' }] },
  })
  const [item, ...rest] = await (await inboxOf(carillon, ada)).items()
  expect([item?.title, rest]).toEqual(['2 notifications', []])
  expect((await mailOf(ada)).explanation).toMatchObject({ renderKey: 'digest.email', renderVersion: 1 })
})

test('a digest of one is that one, as it would have been sent by itself', async () => {
  const ada = somebody()
  await send('one', ada, 'only')
  await closeWindows()
  expect(contentsTo(ada)).toContainEqual({ subject: 'only', html: '', text: 'only' })
})

test('of several notifiers it is the default, in the order in which they came', async () => {
  const ada = somebody()
  await send('three', ada, 'a')
  await send('tested', ada, 'b')
  await send('two', ada, 'c')
  await closeWindows()
  expect(contentsTo(ada)).toContainEqual(expect.objectContaining({ text: '- a\n- b\n- c' }))
  expect(given).toEqual([])
})

test("of one notifier its own template makes it, from its items' payloads, oldest first, with the window", async () => {
  const ada = somebody()
  await send('tested', ada, 'a')
  clock.set('2026-01-15T12:20:00.000Z')
  await send('tested', ada, 'b')
  await closeWindows()
  expect(contentsTo(ada)).toEqual([{ subject: 'tested', html: '', text: 'tested' }])
  expect(given).toMatchObject([
    {
      items: [
        { payload: { text: 'a' }, insertedAt: new Date('2026-01-15T12:00:00.000Z') },
        { payload: { text: 'b' }, insertedAt: new Date('2026-01-15T12:20:00.000Z') },
      ],
      recipient: { id: ada, displayName: 'Ada' },
      windowStartsAt: new Date('2026-01-15T12:00:00.000Z'),
      windowEndsAt: new Date('2026-01-15T13:00:00.000Z'),
    },
  ])
  expect(await mailOf(ada)).toMatchObject({
    status: 'SUCCEEDED',
    explanation: { renderKey: 'tested.email.digest', renderVersion: 2 },
  })
})

test('what a template did to its items does not come to the next try', async () => {
  const ada = somebody()
  await send('tested', ada, 'a')
  const spoil = () => {
    const { items } = given.at(-1) as { items: { payload: { text: string } }[] }
    for (const item of items) item.payload.text = 'spoilt'
    throw new Error('no')
  }
  next = [spoil]
  await closeWindows()
  clock.set('2026-01-15T13:05:00.000Z')
  await carillon.drainJobs()
  expect(given).toHaveLength(2)
  expect(given[1]).toMatchObject({ items: [{ payload: { text: 'a' } }] })
})

test.each<[string, () => unknown, string]>([
  [
    'throws',
    () => {
      throw new Error('hunter2')
    },
    'Notifier "tested": renderDigest.email failed; the server\'s log says how',
  ],
  ['rejects', () => Promise.reject(new Error('hunter2')), 'Notifier "tested": renderDigest.email failed'],
  ['returns nothing', () => undefined, 'Notifier "tested": renderDigest.email returned content that does not fit'],
  ['returns no subject', () => ({ html: '', text: '' }), 'does not fit: subject'],
  [
    'returns what cannot be sent',
    () => ({ subject: '\0', html: '', text: '' }),
    'renderDigest.email returned content that cannot be stored or sent',
  ],
])('a digest whose template %s is tried again, and given up in the end', async (_, act, problem) => {
  const ada = somebody()
  await send('tested', ada, 'a')
  next = [act]
  await closeWindows()
  const failed = await mailOf(ada)
  expect(failed.status).toBe('FAILED')
  expect(failed.attempts).toMatchObject([{ outcome: 'FAILED', errorClass: 'render_failed' }])
  expect(failed.attempts[0].reason).toContain(problem)
  expect(failed.attempts[0].reason).not.toContain('hunter2')
  clock.set('2026-01-15T13:05:00.000Z')
  await carillon.drainJobs()
  expect((await mailOf(ada)).status).toBe('SUCCEEDED')

  const bob = somebody()
  await send('tested', bob, 'a')
  next = [act, act, act]
  for (const time of ['14:00', '14:05', '14:10']) {
    clock.set(`2026-01-15T${time}:00.000Z`)
    await carillon.drainJobs()
  }
  expect(await mailOf(bob)).toMatchObject({ status: 'CANCELLED', suppressionReason: 'retries_exhausted' })
  expect(contentsTo(bob)).toEqual([])
})

test('members whose notifier is gone are counted; where all are gone, it is tried again until they are back', async () => {
  const [ada, eve] = [somebody(), somebody()]
  await send('two', ada, 'still here')
  await send('three', ada, 'gone')
  await send('three', eve, 'gone')
  const later = await startCarillon(
    { notifiers: [plain('two', 'mixed'), comment], adapters, digestRules: [...digestRules, HOURLY] },
    { clock, databaseUrl: carillon.databaseUrl },
  )
  await closeWindows(later)
  expect(contentsTo(ada)).toContainEqual({
    subject: '2 notifications',
    text: '- still here\nand 1 more',
    html: '<ul><li>still here</li><li>and 1 more</li></ul>',
  })
  expect(await mailOf(eve)).toMatchObject({
    status: 'FAILED',
    attempts: [{ errorClass: 'render_failed', reason: 'The notifiers of everything in this digest are gone' }],
  })
  await later.close()
  clock.set('2026-01-15T13:05:00.000Z')
  await carillon.drainJobs()
  expect(contentsTo(eve)).toContainEqual({ subject: 'gone', html: '', text: 'gone' })
})

test('more than it can show are counted', async () => {
  const ada = somebody()
  const texts = Array.from({ length: 53 }, (_, n) => `number ${n}`)
  await Promise.all(texts.map((text) => send('one', ada, text)))
  await closeWindows()
  const mail = messagesTo(ada).find(({ channel }) => channel === 'email')
  const { subject, text } = (mail as { content: unknown }).content as { subject: string; text: string }
  expect(subject).toBe('53 notifications')
  expect(text.split('\n')).toHaveLength(51)
  expect(text).toMatch(/\nand 3 more$/)
})

test('a digest of an hour that was closed by hand holds what there was, and is named after its rule', async () => {
  const ada = somebody()
  await comments(carillon, ['one', 'two'], { recipientId: ada })
  await flush(carillon, (await bucketOf(carillon, ada)).id)
  await comments(carillon, ['three'], { recipientId: ada })
  await carillon.drainJobs()
  expect(messagesTo(ada)).toMatchObject([{ notificationKey: 'comments-hourly', content: { text: 'one\ntwo' } }])
  await closeWindows()
  expect(messagesTo(ada)).toMatchObject([{ content: { text: 'one\ntwo' } }, { content: { text: 'three' } }])
})

test('an operator may let a digest that was given up be tried again, with all it held', async () => {
  const ada = somebody()
  await comments(carillon, ['one', 'two'], { recipientId: ada })
  email.next({ outcome: 'permanent' })
  await closeWindows()
  const { digestDelivery } = await bucketOf(carillon, ada)
  expect(digestDelivery.status).toBe('CANCELLED')
  await operate(carillon, 'retry', digestDelivery.id)
  await carillon.drainJobs()
  expect(contentsTo(ada)).toMatchObject([{ text: 'one\ntwo' }, { text: 'one\ntwo' }])
  const all = await deliveriesOf(carillon, { recipientId: ada, channel: 'email' })
  expect(all.map(({ status }) => status).sort()).toEqual(['DIGESTED', 'DIGESTED', 'SUCCEEDED'])
})
