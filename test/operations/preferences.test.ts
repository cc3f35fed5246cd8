import { afterAll, beforeAll, expect, test } from 'vitest'
import { memory } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { alarm, greeting, invoice, mention } from '../support/notifiers.ts'
import { refusalOf, trigger } from '../support/trigger.ts'

const CENTER = `{
  recipientId
  preferences { notificationKey category channel enabled updatedAt }
  effective { notificationKey category channel enabled locked decidedBy { notificationKey category channel enabled } }
}`
const SET = `mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { preferences ${CENTER} } }`

const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  const config = { notifiers: [greeting, mention, invoice, alarm], adapters: { email: memory() } }
  carillon = await startCarillon(config, { clock })
})
afterAll(() => carillon.close())

interface Named {
  readonly notificationKey?: string | null
  readonly category?: string | null
  readonly channel?: string | null
  readonly enabled?: boolean | null
}
interface Effective extends Named {
  readonly locked: boolean
  readonly decidedBy: Named | null
}

const set = async (token: string, ...preferences: readonly Named[]) =>
  (await carillon.ok(token, SET, { input: { preferences } })).setPreferences.preferences

const applied = (center: { readonly effective: readonly Effective[] }, key: string, channel: string) =>
  center.effective.find((one) => one.notificationKey === key && one.channel === channel)

test('nothing set means everything on, for every notifier and channel', async () => {
  const { preferences } = await carillon.ok(await carillon.tokenFor('new'), `{ preferences ${CENTER} }`)
  expect(preferences).toMatchObject({ recipientId: 'new', preferences: [] })
  expect(
    preferences.effective.map((one: Effective) => [
      one.notificationKey,
      one.channel,
      one.enabled,
      one.locked,
      one.decidedBy,
    ]),
  ).toEqual([
    ['greeting', 'in_app', true, false, null],
    ['comment.mentioned', 'email', true, false, null],
    ['comment.mentioned', 'in_app', true, false, null],
    ['invoice.sent', 'email', true, false, null],
    ['security.alarm', 'email', true, true, null],
    ['security.alarm', 'in_app', true, true, null],
  ])
})

test('the most specific one that is set decides, and is named', async () => {
  const token = await carillon.tokenFor('ada')
  const byChannel = await set(token, { channel: 'email', enabled: false })
  expect(applied(byChannel, 'comment.mentioned', 'email')).toMatchObject({
    enabled: false,
    decidedBy: { notificationKey: null, category: null, channel: 'email', enabled: false },
  })
  expect(applied(byChannel, 'comment.mentioned', 'in_app')).toMatchObject({ enabled: true, decidedBy: null })
  expect(applied(byChannel, 'security.alarm', 'email')).toMatchObject({ enabled: true, locked: true, decidedBy: null })

  const byKey = await set(token, { notificationKey: 'comment.mentioned', enabled: true })
  expect(applied(byKey, 'comment.mentioned', 'email')).toMatchObject({
    enabled: true,
    decidedBy: { notificationKey: 'comment.mentioned', channel: null },
  })
  expect(applied(byKey, 'invoice.sent', 'email')).toMatchObject({ enabled: false, decidedBy: { channel: 'email' } })
  expect(byKey.preferences).toHaveLength(2)
})

test('what is set again is changed, and null forgets it', async () => {
  const token = await carillon.tokenFor('bob')
  const preference = { category: 'billing', channel: 'email' }
  const first = await set(token, { ...preference, enabled: false }, { channel: 'sms', enabled: true })
  expect(first.preferences).toMatchObject([
    { notificationKey: null, category: null, channel: 'sms', enabled: true, updatedAt: clock.now().toISOString() },
    { notificationKey: null, ...preference, enabled: false },
  ])
  clock.advance(60_000)
  const second = await set(token, { ...preference, enabled: true })
  expect(second.preferences[1]).toMatchObject({ enabled: true, updatedAt: clock.now().toISOString() })
  expect((await set(token, { ...preference, enabled: null })).preferences).toMatchObject([{ channel: 'sms' }])
  expect((await set(token, { channel: 'sms' }, { channel: 'never set' })).preferences).toEqual([])
})

test('of two about the same in one call the later counts', async () => {
  const token = await carillon.tokenFor('cid')
  const center = await set(token, { channel: 'email', enabled: false }, { channel: 'email', enabled: true })
  expect(center.preferences).toMatchObject([{ channel: 'email', enabled: true }])
})

test.each<[string, Named]>([
  ['nothing', {}],
  ['nothing but null', { notificationKey: null, category: null, channel: null }],
  ['a key and a category', { notificationKey: 'greeting', category: 'comments' }],
  ['all three', { notificationKey: 'greeting', category: 'comments', channel: 'email' }],
  ['a blank channel', { channel: ' ' }],
  ['an empty key', { notificationKey: '' }],
  ['a name of 256 characters', { category: 'x'.repeat(256) }],
  ['a NUL', { channel: 'a\0' }],
])('a preference that names %s is refused, and none of the call is stored', async (_, preference) => {
  const token = await carillon.tokenFor('dan')
  const preferences = [
    { channel: 'email', enabled: false },
    { ...preference, enabled: false },
  ]
  const answer = await carillon.ask(token, SET, { input: { preferences } })
  const { code, path } = refusalOf(answer)
  expect(code).toBe('BAD_USER_INPUT')
  expect(path).toMatch(/^input\.preferences\.1/)
  expect((await set(token)).preferences).toEqual([])
})

test('what is switched off is suppressed with its reason, and what is required is not', async () => {
  const token = await carillon.tokenFor('eve')
  await set(token, { channel: 'in_app', enabled: false }, { category: 'comments', channel: 'in_app', enabled: true })
  const recipients = [{ id: 'eve' }]
  for (const [notificationKey, payload] of [
    ['greeting', { text: 'hello' }],
    ['comment.mentioned', { author: 'Ada' }],
    ['security.alarm', {}],
  ] as const) {
    await trigger(carillon, { notificationKey, payload, recipients })
  }
  const { inbox } = await carillon.ok(token, '{ inbox { notifications { edges { node { notificationKey } } } } }')
  expect(inbox.notifications.edges.map(({ node }: { node: Named }) => node.notificationKey)).toEqual([
    'security.alarm',
    'comment.mentioned',
  ])
})

test('a key may set them for anyone, and has to say for whom', async () => {
  const input = { recipientId: ' fay ', preferences: [{ channel: 'email', enabled: false }] }
  for (const key of [carillon.backendKey, carillon.operatorKey]) {
    const { setPreferences } = await carillon.ok(key, SET, { input })
    expect(setPreferences.preferences).toMatchObject({ recipientId: 'fay', preferences: [{ channel: 'email' }] })
  }
  for (const recipientId of [undefined, null, '', ' ', 'x'.repeat(256), 'a\0', '\uD800']) {
    const answer = await carillon.ask(carillon.backendKey, SET, { input: { ...input, recipientId } })
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipientId' })
  }
})
