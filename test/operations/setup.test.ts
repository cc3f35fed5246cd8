import { expect, test } from 'vitest'
import { z } from 'zod'
import { createApp } from '../../server/app.ts'
import { SetupError } from '../../server/errors.ts'
import { type Adapter, type CarillonConfig, defineNotifier, memory, secret } from '../../server/index.ts'

/** What is said about a configuration when the server starts. Nothing is opened before it has been checked. */
const faultsOf = async (config: unknown): Promise<string> => {
  const start = createApp({
    databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing',
    config: config as CarillonConfig,
    secretKey: 'a-secret-key-for-tests-of-32-characters',
  })
  const error = await start.then(
    () => null,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(SetupError)
  return (error as SetupError).message
}

const FINE = {
  key: 'fine',
  version: 1,
  payload: z.object({}),
  channels: ['in_app'],
  render: { in_app: () => ({ title: 'T' }) },
}

/** A definition that is not what its types ask for. */
const defined = (change: object) =>
  defineNotifier({ ...FINE, ...change } as unknown as Parameters<typeof defineNotifier>[0])

test.each<[string, object, string]>([
  ['a blank key', { key: ' ' }, 'notifiers[0]: `key` is blank'],
  ['a key that is no text', { key: 7 }, 'notifiers[0]: `key` is blank'],
  ['a key too long', { key: 'x'.repeat(256) }, '`key` is longer than 255 characters'],
  ['a key that cannot be stored', { key: 'a\0' }, '`key` contains a NUL character or a lone surrogate'],
  ['no version', { version: undefined }, 'Notifier "fine": `version` must be a positive whole number'],
  ['a version of 0', { version: 0 }, 'Notifier "fine": `version` must be a positive whole number'],
  ['half a version', { version: 1.5 }, 'Notifier "fine": `version` must be a positive whole number'],
  [
    'a version that no column holds',
    { version: 2 ** 31 },
    'Notifier "fine": `version` must be a positive whole number',
  ],
  ['a blank category', { category: '' }, 'Notifier "fine": `category` is blank'],
  ['a category too long', { category: 'x'.repeat(256) }, 'Notifier "fine": `category` is longer than 255 characters'],
  ['no payload', { payload: undefined }, 'Notifier "fine": `payload` must be a zod 4 schema'],
  ['a payload that is no schema', { payload: { type: 'object' } }, 'Notifier "fine": `payload` must be a zod 4 schema'],
  [
    'recipients that are no function',
    { recipients: [{ id: 'ada' }] },
    'Notifier "fine": `recipients` must be a function',
  ],
  ['no channels', { channels: undefined }, 'Notifier "fine": `channels` must be a list or a function'],
  ['an empty list of channels', { channels: [] }, 'Notifier "fine": `channels` is empty'],
  ['a channel twice', { channels: ['in_app', 'in_app'] }, 'Notifier "fine": `channels` names a channel twice'],
  ['a blank channel', { channels: ['in_app', ''] }, 'Notifier "fine": `channels` holds a blank name'],
  ['a channel without a render', { channels: ['in_app', 'sms'] }, 'Notifier "fine": channel "sms" has no `render.sms`'],
  [
    'a channel named like something of every object',
    { channels: ['toString'] },
    'channel "toString" has no `render.toString`',
  ],
  [
    'a channel too long',
    { channels: ['x'.repeat(256)], render: { ['x'.repeat(256)]: () => ({}) } },
    'is longer than 255 characters',
  ],
  ['no render', { render: undefined }, 'Notifier "fine": `render` must be an object'],
  [
    'a render that is no function',
    { render: { in_app: 'text' } },
    'Notifier "fine": `render.in_app` must be a function',
  ],
  [
    'a key of a render that there is not',
    { renderKeys: { sms: {} } },
    'Notifier "fine": `renderKeys.sms` has no `render.sms`',
  ],
  [
    'a blank key of a render',
    { renderKeys: { in_app: { key: '' } } },
    'Notifier "fine": `renderKeys.in_app.key` is blank',
  ],
  [
    'a version of a render that is none',
    { renderKeys: { in_app: { version: 0 } } },
    '`renderKeys.in_app.version` must be a positive whole number',
  ],
  [
    'a digest on a channel that it has not',
    { digest: { sms: {} } },
    'Notifier "fine": `digest.sms` is no channel of this notifier',
  ],
  [
    'a digest that is no object',
    { digest: { in_app: true } },
    'Notifier "fine": `digest.in_app` must be an object: {} holds all',
  ],
  [
    'a digest key that is no function',
    { digest: { in_app: { key: 'thread' } } },
    'Notifier "fine": `digest.in_app`.key must be a function',
  ],
  [
    'a render of a digest that holds nothing',
    { renderDigest: { in_app: () => ({}) } },
    'Notifier "fine": `renderDigest.in_app` has no `digest.in_app`: nothing is held for it',
  ],
  [
    'a fallback from nothing',
    { fallback: { in_app: { after: '1h' } } },
    'Notifier "fine": `fallback.in_app`: the inbox is what the others fall back from',
  ],
  [
    'a fallback on a channel that it has not',
    { fallback: { sms: { after: '1h' } } },
    'Notifier "fine": `fallback.sms` is no channel of this notifier',
  ],
  [
    'a fallback without an inbox',
    {
      channels: ['email'],
      render: { email: () => ({ subject: '', html: '', text: '' }) },
      fallback: { email: { after: '1h' } },
    },
    'Notifier "fine": `fallback` needs `in_app` among the channels',
  ],
  [
    'a fallback whose delay is none',
    { fallback: { in_app: { after: 'soon' } } },
    'Notifier "fine": `fallback.in_app`.after must be a duration of up to 30 days',
  ],
  [
    'a workflow without steps',
    { workflow: { key: 'w', version: 1, steps: [] } },
    'Notifier "fine": `workflow.steps` must be a list of one step or more',
  ],
])('a notifier with %s is refused at the start, and named with the field', async (_, change, message) => {
  expect(await faultsOf({ notifiers: [defined(change)] })).toContain(message)
})

const CODE = secret(z.string())
const INSIDE = z.object({ code: CODE })
interface Tree {
  readonly code: string
  readonly next?: Tree | undefined
}
const TREE: z.ZodType<Tree> = z.object({ code: CODE, next: z.lazy(() => TREE).optional() })

test.each<[string, z.ZodType, string]>([
  ['the whole payload', secret(z.object({})), 'cannot mark the whole payload (`payload`)'],
  ['one form of the payload', z.union([secret(z.string()), z.object({})]), 'cannot mark the whole payload (`payload`)'],
  [
    'a value that is made into another',
    z.object({ a: CODE.transform(Number) }),
    'inside a transform, pipe, codec or preprocess (`payload.a`)',
  ],
  ['a value whose place is made', INSIDE.transform(({ code }) => ({ text: code })), 'preprocess (`payload`)'],
  [
    'a value that is looked at before',
    z.object({ a: z.preprocess((given) => given, INSIDE) }),
    'preprocess (`payload.a`)',
  ],
  ['a value that comes out of another', z.object({ a: z.string().pipe(CODE) }), 'preprocess (`payload.a`)'],
  [
    'what a codec decodes',
    z.object({ a: z.codec(CODE, z.number(), { decode: Number, encode: String }) }),
    'preprocess (`payload.a`)',
  ],
  [
    'what may be overwritten',
    z.object({ a: INSIDE.overwrite((value) => value) }),
    'inside an overwrite() (`payload.a`)',
  ],
  ['what may be caught', z.object({ a: z.array(INSIDE.catch({ code: '' })) }), 'inside a catch (`payload.a[]`)'],
  ['the values of a record', z.object({ a: z.record(z.string(), CODE) }), 'inside a record (`payload.a`)'],
  ['a place in a tuple', z.object({ a: z.tuple([z.string(), INSIDE]) }), 'inside a tuple (`payload.a`)'],
  [
    'half of an intersection',
    z.object({ a: z.intersection(INSIDE, z.object({})) }),
    'inside an intersection (`payload.a`)',
  ],
  ['whatever else there is', z.object({ a: z.object({}).catchall(CODE) }), 'inside a catchall (`payload.a`)'],
  ['every level of a tree', z.object({ a: TREE }), 'inside a schema that holds itself (`payload.a`)'],
])('a secret() that marks %s is refused at the start, with the path', async (_, payload, message) => {
  const faults = await faultsOf({ notifiers: [defined({ payload })] })
  expect(faults).toMatch(/^- Notifier "fine": `secret\(\)` cannot /m)
  expect(faults).toContain(message)
})

test.each<[string, z.ZodType]>([
  ['text', CODE],
  ['a number that is checked', secret(z.number()).refine((value) => value > 3)],
  ['an object', secret(z.object({ a: z.string() }))],
  ['any JSON', secret(z.json())],
  ['a record', secret(z.record(z.string(), z.string()))],
  ['a value made into another', secret(z.string().transform(Number))],
  ['one that may be left out', CODE.optional().describe('the code')],
  [
    'one of several',
    z
      .union([z.object({ code: CODE }), z.array(CODE), z.null()])
      .default(null)
      .readonly(),
  ],
  ['a branch of a tree, without its secret', z.object({ code: CODE, tree: z.lazy(() => z.json()) })],
])('a field may be a secret: %s', async (_, field) => {
  const notifiers = [defined({ payload: z.object({ field }) }), defined({ key: 'faulty', version: 0 })]
  expect(await faultsOf({ notifiers })).not.toContain('secret')
})

test('what defineNotifier did not make is refused, and two of one key', async () => {
  expect(await faultsOf({ notifiers: [FINE, null] })).toMatch(
    /notifiers\[0\] was not made by defineNotifier.*notifiers\[1\] was not/s,
  )
  expect(await faultsOf({ notifiers: [defined({}), defined({})] })).toContain('Notifier "fine" is defined twice')
})

test('all faults are named at once', async () => {
  const message = await faultsOf({
    notifiers: [
      defined({ version: 0, channels: [] }),
      defined({ key: 'other', workflow: { key: 'w', version: 1, steps: [] } }),
    ],
  })
  expect(message.match(/^- /gm)).toHaveLength(3)
  expect(message).toMatch(/"fine": `version`.*"fine": `channels`.*"other": `workflow.steps`/s)
})

const adapter = (change: object): Adapter => ({ ...memory({ name: 'm' }), ...change })

test.each<[string, unknown, string]>([
  ['none', undefined, 'adapters.sms is no adapter: it needs a `name` and `deliver`'],
  ['no name', adapter({ name: '' }), 'adapters.sms is no adapter'],
  ['no deliver', adapter({ deliver: undefined }), 'adapters.sms is no adapter'],
  ['an empty list', [], 'adapters.sms is empty: name an adapter'],
  ['a second one that is none', [memory({ name: 'a' }), {}], 'adapters.sms[1] is no adapter'],
  [
    'a second one of the same name',
    [memory({ name: 'a' }), memory({ name: 'a' })],
    'adapters.sms[1]: another adapter is called "a" too',
  ],
  ['another way out of a crash', adapter({ onUnknown: 'ask' }), "adapters.sms: `onUnknown` must be 'retry' or 'hold'"],
  ['a receiver that is none', adapter({ receive: {} }), 'adapters.sms: `receive` must be a function'],
  ['no time', adapter({ timeoutMs: 0 }), 'adapters.sms: `timeoutMs` must be a number of milliseconds above 0'],
  ['no tries', adapter({ retry: { attempts: 0 } }), 'adapters.sms.retry: `attempts` must be a positive whole number'],
  [
    'a first delay that is none',
    adapter({ retry: { firstDelay: '5' } }),
    'adapters.sms.retry: `firstDelay` must be a duration',
  ],
  [
    'a longest delay that is none',
    adapter({ retry: { maxDelay: '-1s' } }),
    'adapters.sms.retry: `maxDelay` must be a duration',
  ],
])('an adapter that is or has %s is refused at the start', async (_, given, message) => {
  expect(await faultsOf({ notifiers: [], adapters: { sms: given } })).toContain(message)
})

test('two adapters of one name are refused, and one for two channels is not', async () => {
  const message = await faultsOf({ notifiers: [], adapters: { sms: memory(), push: memory() } })
  expect(message).toContain('adapters.push: another adapter is called "memory" too; give one of them a `name`')
})

test('an adapter for the inbox is refused: that is built in', async () => {
  expect(await faultsOf({ notifiers: [], adapters: { in_app: memory() } })).toContain('in_app is built in')
})

test('a channel that nothing carries is refused, with the notifier that declares it', async () => {
  const message = await faultsOf({
    notifiers: [defined({ channels: ['sms'], render: { sms: () => ({ text: 't' }) } })],
  })
  expect(message).toContain('Notifier "fine": channel "sms" has no adapter')
  const chosen = defined({ channels: () => ['pager'], render: { pager: () => ({}) } })
  expect(await faultsOf({ notifiers: [chosen] })).toContain('Notifier "fine": channel "pager" has no adapter')
})

const EMAIL = { channels: ['email'], render: { email: () => ({ subject: '', html: '', text: '' }) } }
const held = defined({ ...EMAIL, key: 'held', category: 'held', digest: { email: {} } })
const other = defined({ ...EMAIL, key: 'other', category: 'other', digest: { email: {} } })
const unheld = defined({ ...EMAIL, key: 'unheld' })
const rule = { key: 'daily', version: 1, channel: 'email', groupBy: 'category', window: { kind: 'fixed', minutes: 60 } }
const adapters = { email: memory() }

test.each<[string, object, string]>([
  ['a channel that nobody renders', { channel: 'mail' }, 'no notifier renders its channel "mail"'],
  ['a notifier that there is not', { matchNotificationKey: 'hold' }, 'there is no notifier "hold"'],
  ['a category that there is not', { matchCategory: 'hold' }, 'no notifier is of the category "hold"'],
  [
    'a notifier of another category',
    { matchNotificationKey: 'other', matchCategory: 'held' },
    'the notifier "other" is not of the category "held"',
  ],
  [
    'a notifier that asks for no digest',
    { matchNotificationKey: 'unheld' },
    'the notifier "unheld" has no `digest.email`, so nothing of it is held',
  ],
])('a digest rule that names %s is refused, and a right one beside it is not', async (_, change, fault) => {
  const sound = { ...rule, key: 'sound', matchNotificationKey: 'held', matchCategory: 'held' }
  const message = await faultsOf({
    notifiers: [held, other, unheld],
    adapters,
    digestRules: [sound, { ...rule, ...change }],
  })
  expect(message).toBe(`The digest rules name what there is not:\n- Digest rule "daily": ${fault}`)
})

test('what is wrong with notifiers, with what names them, and with what carries them is told at once', async () => {
  const message = await faultsOf({
    notifiers: [defined({ ...EMAIL, version: 0 })],
    adapters: { sms: {} },
    digestRules: [{ ...rule, channel: 'mail' }, { ...rule, version: 0 }, null],
    defaults: { timeZone: 'Mars/Olympus' },
  })
  for (const fault of [
    '`version` must be',
    'adapters.sms is no adapter',
    'channel "mail"',
    'version must be',
    '"Mars/Olympus"',
  ]) {
    expect(message).toContain(fault)
  }
  expect(message).toContain('Notifier "fine": channel "email" has no adapter')
})

test.each<[string, object, string]>([
  ['notifiers that are no list', { notifiers: {} }, '`notifiers` must be a list'],
  [
    'digest rules',
    { digestRules: [{ key: 'r' }] },
    'Digest rule "r": groupBy must be one of notification_key, category, digest_key',
  ],
  [
    'a lease too short',
    { defaults: { leaseFor: '0s' } },
    '`defaults.leaseFor` must be a duration of at least a second',
  ],
  ['a lease that is none', { defaults: { leaseFor: 'long' } }, '`defaults.leaseFor` must be a duration'],
  [
    'no tries',
    { defaults: { retry: { attempts: -1 } } },
    '`defaults.retry`: `attempts` must be a positive whole number',
  ],
  [
    'no concurrency',
    { defaults: { concurrencyPerAdapter: 0 } },
    '`defaults.concurrencyPerAdapter` must be a positive whole number',
  ],
])('a configuration with %s is refused at the start', async (_, change, message) => {
  expect(await faultsOf({ notifiers: [], ...change })).toContain(message)
})
