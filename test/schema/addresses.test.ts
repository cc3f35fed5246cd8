import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeNodeId } from '../../server/core/node-id.ts'
import { memory } from '../../server/index.ts'
import { createApiKey } from '../../server/operations/credentials.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { invoice } from '../support/notifiers.ts'
import { pushSubscription } from '../support/push-subscription.ts'
import { refusalOf, trigger } from '../support/trigger.ts'

const RECIPIENT = 'recipient { recipientId type email phone addresses { id channel address bouncedAt } }'
const mutation = (name: string) => `mutation ($input: AddressInput!) { ${name}(input: $input) { ${RECIPIENT} } }`
const REGISTER = mutation('registerAddress')
const REMOVE = mutation('removeAddress')
const UPSERT = `mutation ($input: UpsertRecipientsInput!) { upsertRecipients(input: $input) { recipients { ${RECIPIENT.slice(12, -2)} } } }`
const PUSH = pushSubscription('one')

let carillon: TestCarillon
let support: string
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [invoice], adapters: { email: memory() } })
  support = await createApiKey(carillon.app.db, { tenantId: 'acme', scopes: ['OPERATE'], label: 'support' })
})
afterAll(() => carillon.close())

const register = async (input: object, key = carillon.backendKey) =>
  (await carillon.ok(key, REGISTER, { input })).registerAddress.recipient
const remove = async (input: object, key = carillon.backendKey) =>
  (await carillon.ok(key, REMOVE, { input })).removeAddress.recipient
const upsert = async (...recipients: readonly object[]) =>
  (await carillon.ok(carillon.backendKey, UPSERT, { input: { recipients } })).upsertRecipients.recipients
const seenBy = async (key: string, recipientId: string) =>
  (
    await carillon.ok(
      key,
      `query ($recipientId: ID!) { recipient(recipientId: $recipientId) { addresses { id channel address bouncedAt } } }`,
      { recipientId },
    )
  ).recipient.addresses
const shown = ({ addresses }: GraphQLAnswer['data']): string[] =>
  addresses.map(({ channel, address, bouncedAt }: Record<string, string>) =>
    [channel, address, bouncedAt ? 'bounced' : []].flat().join(' '),
  )
/** As a provider's answer does it. */
const markBounced = async (recipientId: string): Promise<void> => {
  await carillon.sql.query(
    `update recipient set email_bounced_at = case when email is not null then now() end, phone_bounced_at = case when phone is not null then now() end where recipient_id = $1`,
    [recipientId],
  )
  await carillon.sql.query('update recipient_address set bounced_at = now() where recipient_id = $1', [recipientId])
}

test('an address is added to those that the recipient has, and once', async () => {
  await upsert({ id: 'ada', email: 'ada@example.test' })
  await register({ recipientId: 'ada', channel: 'push', address: PUSH })
  const ada = await register({ recipientId: ' ada ', channel: 'push', address: PUSH })
  expect(shown(ada)).toEqual(['email ada@example.test', `push ${PUSH}`])
  expect(shown(await register({ recipientId: 'ada', channel: 'pager', address: '7' }))).toHaveLength(3)
})

test('a recipient that was never heard of is made, also by its own front end', async () => {
  const token = await carillon.tokenFor('new')
  const made = await register({ channel: 'push', address: PUSH }, token)
  expect(made).toMatchObject({ recipientId: 'new', type: 'user', email: null, addresses: [{ address: PUSH }] })
})

test('two recipients may have the same address', async () => {
  const one = await register({ recipientId: 'same-1', channel: 'push', address: PUSH })
  const two = await register({ recipientId: 'same-2', channel: 'push', address: PUSH })
  expect(two.addresses[0].id).not.toBe(one.addresses[0].id)
  expect(shown(await remove({ recipientId: 'same-1', channel: 'push', address: PUSH }))).toEqual([])
  expect(await seenBy(carillon.backendKey, 'same-2')).toHaveLength(1)
})

test("what equals the recipient's own e-mail address or phone number is that one, and not a further one", async () => {
  await upsert({ id: 'own', email: 'own@example.test', phone: '+491701234567' })
  await markBounced('own')
  expect(shown(await register({ recipientId: 'own', channel: 'email', address: 'own@example.test' }))).toEqual([
    'email own@example.test',
    'sms +491701234567 bounced',
  ])
  expect(shown(await register({ recipientId: 'own', channel: 'sms', address: '+491701234567' }))).toEqual([
    'email own@example.test',
    'sms +491701234567',
  ])
  const further = await register({ recipientId: 'own', channel: 'email', address: 'second@example.test' })
  expect(further.email).toBe('own@example.test')
  expect(shown(further)).toContain('email second@example.test')
  // The same text on another channel is another address.
  expect(shown(await register({ recipientId: 'own', channel: 'pager', address: 'own@example.test' }))).toHaveLength(4)
})

test('a bounced address that is registered again is good again, and the others stay as they are', async () => {
  await upsert({ id: 'back', email: 'back@example.test' })
  for (const name of ['a', 'b'])
    await register({ recipientId: 'back', channel: 'push', address: pushSubscription(name) })
  await markBounced('back')
  expect(shown(await register({ recipientId: 'back', channel: 'push', address: pushSubscription('b') }))).toEqual([
    'email back@example.test bounced',
    `push ${pushSubscription('a')} bounced`,
    `push ${pushSubscription('b')}`,
  ])
})

test('an operator sees addresses masked, and clears a bounce or removes one by its id', async () => {
  await upsert({ id: 'bob', email: 'bob@example.test', phone: '+491701234567' })
  await register({ recipientId: 'bob', channel: 'pager', address: 'pager-number-7' })
  await markBounced('bob')
  const masked = await seenBy(support, 'bob')
  expect(masked).toMatchObject([
    { channel: 'email', address: 'b…@example.test', bouncedAt: expect.any(String) },
    { channel: 'sms', address: '+49…67', bouncedAt: expect.any(String) },
    { channel: 'pager', address: 'pag…-7', bouncedAt: expect.any(String) },
  ])
  for (const { id: addressId } of masked) await register({ recipientId: 'bob', addressId }, support)
  const good = await seenBy(carillon.backendKey, 'bob')
  expect(shown({ addresses: good })).toEqual(['email bob@example.test', 'sms +491701234567', 'pager pager-number-7'])
  expect(good.map(({ id }: { id: string }) => id)).toEqual(masked.map(({ id }: { id: string }) => id))

  const [email, phone, pager] = masked
  expect(await remove({ recipientId: 'bob', addressId: email.id }, support)).toMatchObject({ email: null })
  expect(await remove({ recipientId: 'bob', addressId: phone.id }, support)).toMatchObject({ phone: null })
  expect(await remove({ recipientId: 'bob', addressId: pager.id }, support)).toMatchObject({ addresses: [] })
})

test('the id of an own address says nothing of it, and outlives a change', async () => {
  const [before] = await upsert({ id: 'eve@example.test', email: 'eve@example.test' })
  const [after] = await upsert({ id: 'eve@example.test', email: 'new@example.test' })
  const { id } = after.addresses[0]
  expect(id).toBe(before.addresses[0].id)
  expect(decodeNodeId(id)?.id).toMatch(/^[0-9a-f-]{36}$/)
  const [other] = await upsert({ id: 'mallory', email: 'mallory@example.test' })
  expect(other.addresses[0].id).not.toBe(id)
})

test('removing works by the address itself, and takes the own one away wherever it stands', async () => {
  await upsert({
    id: 'gone',
    email: 'gone@example.test',
    addresses: [{ channel: 'email', address: 'gone@example.test' }],
  })
  const gone = await remove({ recipientId: 'gone', channel: 'email', address: 'gone@example.test' })
  expect(gone).toMatchObject({ email: null, addresses: [] })
  await markBounced('gone')
  expect((await upsert({ id: 'gone', email: 'gone@example.test' }))[0].addresses[0].bouncedAt).toBeNull()
})

test('removing what the recipient does not have changes nothing', async () => {
  const [{ addresses }] = await upsert({
    id: 'stays',
    email: 'stays@example.test',
    addresses: [{ channel: 'pager', address: '1' }],
  })
  await upsert({ id: 'other', email: 'other@example.test', addresses: [{ channel: 'pager', address: '1' }] })
  const foreign = await seenBy(carillon.backendKey, 'other')
  const before = await carillon.sql.query('select updated_at from recipient where recipient_id = $1', ['stays'])
  for (const input of [
    { channel: 'pager', address: '2' },
    { channel: 'email', address: 'Stays@example.test' },
    { channel: 'sms', address: 'stays@example.test' },
    { channel: 'toString', address: 'stays@example.test' },
    ...foreign.map(({ id: addressId }: { id: string }) => ({ addressId })),
    { addressId: 'nonsense' },
  ]) {
    expect((await remove({ recipientId: 'stays', ...input })).addresses).toEqual(addresses)
  }
  const after = await carillon.sql.query('select updated_at from recipient where recipient_id = $1', ['stays'])
  expect(after.rows).toEqual(before.rows)
  expect(await seenBy(carillon.backendKey, 'other')).toEqual(foreign)
})

const long = 'x'.repeat(1_025)
test.each<[string, object, string]>([
  ['neither an address nor an id', {}, 'input'],
  ['a channel alone', { channel: 'push' }, 'input'],
  ['both an address and an id', { channel: 'pager', address: '7', addressId: 'x' }, 'input'],
  ['an address without its channel', { address: '7' }, 'input.channel'],
  ['a channel beside an id', { channel: 'pager', addressId: 'x' }, 'input.channel'],
  ['a blank channel', { channel: ' ', address: '7' }, 'input.channel'],
  ['a channel of 256 characters', { channel: 'x'.repeat(256), address: '7' }, 'input.channel'],
  ['a blank address', { channel: 'pager', address: ' ' }, 'input.address'],
  ['an address of 1,025 bytes', { channel: 'pager', address: long }, 'input.address'],
  ['an address that cannot be stored', { channel: 'pager', address: 'a\0' }, 'input.address'],
])('%s is refused, to register and to remove', async (_, input, path) => {
  for (const query of [REGISTER, REMOVE]) {
    const answer = await carillon.ask(carillon.backendKey, query, { input: { recipientId: 'ada', ...input } })
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path })
  }
})

const keys = {
  p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
}
test.each<[string, string]>([
  ['no JSON', 'https://push.example.test/1'],
  ['a list', '[]'],
  ['without an endpoint', JSON.stringify({ keys })],
  ['with an endpoint that is not https', JSON.stringify({ endpoint: 'http://push.example.test/1', keys })],
  ['with an endpoint that is no address', JSON.stringify({ endpoint: '/1', keys })],
  ['with credentials in its endpoint', JSON.stringify({ endpoint: 'https://a:b@push.example.test/1', keys })],
  ['without keys', JSON.stringify({ endpoint: 'https://push.example.test/1' })],
  ['without one of its keys', JSON.stringify({ endpoint: 'https://push.example.test/1', keys: { auth: keys.auth } })],
])('a push subscription %s is refused, and could still be removed', async (_, address) => {
  const input = { recipientId: 'ada', channel: 'push', address }
  const answer = await carillon.ask(carillon.backendKey, REGISTER, { input })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.address' })
  expect((await carillon.ask(carillon.backendKey, REMOVE, { input })).errors).toEqual([])
})

test('an id that the recipient does not have cannot be registered, and makes no recipient', async () => {
  const [{ id: foreign }] = await seenBy(carillon.backendKey, 'ada')
  for (const input of [
    { recipientId: 'ada', addressId: 'nonsense' },
    { recipientId: 'stays', addressId: foreign },
    { recipientId: 'nobody', addressId: foreign },
  ]) {
    const answer = await carillon.ask(support, REGISTER, { input })
    expect(refusalOf(answer)).toEqual({ code: 'NOT_FOUND', path: 'input.addressId' })
  }
  const answer = await carillon.ask(support, REMOVE, { input: { recipientId: 'nobody', addressId: foreign } })
  expect(refusalOf(answer)).toEqual({ code: 'NOT_FOUND', path: 'input.recipientId' })
  expect((await carillon.sql.query(`select from recipient where recipient_id = 'nobody'`)).rowCount).toBe(0)
})

test('an own address that was removed has no id that could be registered', async () => {
  const [{ addresses }] = await upsert({ id: 'left', email: 'left@example.test' })
  await remove({ recipientId: 'left', addressId: addresses[0].id })
  const answer = await carillon.ask(support, REGISTER, { input: { recipientId: 'left', addressId: addresses[0].id } })
  expect(refusalOf(answer)).toEqual({ code: 'NOT_FOUND', path: 'input.addressId' })
})

test('a recipient has at most a hundred addresses, its own ones among them, and those it has can be renewed', async () => {
  const addresses = Array.from({ length: 98 }, (_, index) => ({ channel: 'pager', address: `p-${index}` }))
  await upsert({ id: 'many', email: 'many@example.test', addresses })
  expect((await register({ recipientId: 'many', channel: 'pager', address: 'p-98' })).addresses).toHaveLength(100)
  const input = { recipientId: 'many', channel: 'pager', address: 'p-99' }
  expect(refusalOf(await carillon.ask(carillon.backendKey, REGISTER, { input }))).toEqual({
    code: 'BAD_USER_INPUT',
    path: 'input',
  })
  await markBounced('many')
  await register({ recipientId: 'many', channel: 'pager', address: 'p-98' })
  const recipients = [{ id: 'fine' }, { id: 'many', addresses: [{ channel: 'pager', address: 'p-99' }] }]
  const answer = await carillon.ask(carillon.backendKey, UPSERT, { input: { recipients } })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients.1.addresses' })
  expect((await upsert({ id: 'many', addresses }))[0].addresses).toHaveLength(100)
  const seen = await seenBy(carillon.backendKey, 'many')
  expect(seen.at(-1).address).toBe('p-98')
  const tooMany = [...addresses, ...addresses.slice(0, 3)]
  const long = await carillon.ask(carillon.backendKey, UPSERT, {
    input: { recipients: [{ id: 'x', addresses: tooMany }] },
  })
  expect(refusalOf(long)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients.0.addresses' })
})

test('upsertRecipients makes the addresses in its list good again, and what it only repeats of the details not', async () => {
  const push = { channel: 'pager', address: '1' }
  const own = { email: 'sync@example.test', phone: '+491701234567' }
  await upsert({ id: 'sync', ...own, addresses: [push, { channel: 'pager', address: '2' }] })
  await markBounced('sync')
  expect(shown((await upsert({ id: 'sync', ...own }))[0])).toEqual([
    'email sync@example.test bounced',
    'sms +491701234567 bounced',
    'pager 1 bounced',
    'pager 2 bounced',
  ])
  const [renewed] = await upsert({ id: 'sync', ...own, addresses: [push] })
  expect(shown(renewed)).toEqual([
    'email sync@example.test bounced',
    'sms +491701234567 bounced',
    'pager 1',
    'pager 2 bounced',
  ])
  const [listed] = await upsert({ id: 'sync', addresses: [{ channel: 'email', address: own.email }] })
  expect(shown(listed).slice(0, 2)).toEqual(['email sync@example.test', 'sms +491701234567 bounced'])
})

test("a trigger's details add addresses, and make none good again", async () => {
  const details = { id: 'told', email: 'told@example.test', addresses: [{ channel: 'pager', address: '1' }] }
  await upsert(details)
  await markBounced('told')
  const addresses = [...details.addresses, { channel: 'pager', address: '2' }]
  await trigger(carillon, {
    notificationKey: 'invoice.sent',
    payload: { number: 1 },
    recipients: [{ ...details, addresses }],
  })
  expect(shown({ addresses: await seenBy(carillon.backendKey, 'told') })).toEqual([
    'email told@example.test bounced',
    'pager 1 bounced',
    'pager 2',
  ])
})

test('a recipient token acts for its own recipient alone', async () => {
  const token = await carillon.tokenFor('ada')
  const address = pushSubscription('mine')
  expect(shown(await register({ recipientId: 'ada', channel: 'push', address }, token))).toContain(`push ${address}`)
  for (const query of [REGISTER, REMOVE]) {
    const answer = await carillon.ask(token, query, { input: { recipientId: 'bob', channel: 'push', address } })
    expect(refusalOf(answer)).toEqual({ code: 'FORBIDDEN', path: 'input.recipientId' })
  }
  expect(shown(await remove({ channel: 'push', address }, token))).not.toContain(`push ${address}`)
})

test('many front ends that register at once lose nothing, and do not pass the limit together', async () => {
  const inputs = Array.from({ length: 110 }, (_, index) => ({
    recipientId: 'race',
    channel: 'pager',
    address: `${index % 105}`,
  }))
  const answers = await Promise.all(inputs.map((input) => carillon.ask(carillon.backendKey, REGISTER, { input })))
  const refused = answers.filter(({ errors }) => errors.length > 0)
  expect(new Set(refused.map((answer) => refusalOf(answer).code))).toEqual(new Set(['BAD_USER_INPUT']))
  expect((await carillon.sql.query(`select from recipient_address where recipient_id = 'race'`)).rowCount).toBe(100)
})
