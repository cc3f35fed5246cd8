import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { greeting } from '../../support/notifiers.ts'
import { trigger } from '../../support/trigger.ts'

/** Texts that somewhere, some day, broke something. */
const NAUGHTY = [
  'undefined',
  'null',
  'NaN',
  'true',
  '0',
  '-1',
  '1e400',
  '__proto__',
  'constructor',
  'toString',
  "'; drop table event; --",
  '" or ""="',
  '\\',
  '\\u0000',
  '%',
  '_',
  '\u0024{7*7}',
  '{{7*7}}',
  '$1',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  'a\tb\nc\rd',
  '\u0001\u0008\u001f\u007f\u0080\u009f',
  '\u200b\u200c\u200d\u2060\u00ad',
  '\u202edetcever\u202c',
  'ﷺ',
  'مكتب عربي',
  '田中さんにあげて下さい',
  '사회과학원',
  'Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠k̖',
  'ß İ ı ſ ǅ ﬁ',
  '👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👋🏿',
  '\u{10FFFF}\uFFFD\uFFFE\uFFFF',
  'e\u0301 and \u00e9',
  '{"a":',
  '[]',
  '*',
  'a'.repeat(255),
]

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
})
afterAll(() => carillon.close())

test.each(NAUGHTY)('%j comes back as it was given, from everywhere', async (text) => {
  const { event } = await trigger(carillon, {
    idempotencyKey: text,
    correlationId: text,
    actorId: `${text}`.slice(0, 254).concat('!'),
    payload: { text, [text === '__proto__' ? 'proto' : text]: [text] },
    recipients: [
      {
        id: text,
        type: text,
        displayName: text,
        email: text,
        phone: text,
        data: { [`a${text}`]: text },
        addresses: [{ channel: text, address: text }],
      },
    ],
  })
  expect(event).toMatchObject({ idempotencyKey: text, correlationId: text, payload: { text }, recipientCount: 1 })

  const { recipient, events, eventByIdempotencyKey, preferences } = await carillon.ok(
    carillon.operatorKey,
    `query ($id: ID!, $text: String!) {
      recipient(recipientId: $id) { id recipientId type displayName email phone data addresses { channel address } }
      events(filter: { correlationId: $text, recipientId: $id }) { edges { node { id payload } } }
      eventByIdempotencyKey(idempotencyKey: $text) { id }
      preferences(recipientId: $id) { recipientId }
    }`,
    { id: text, text },
  )
  expect(recipient).toMatchObject({
    recipientId: text,
    type: text,
    displayName: text,
    email: text,
    phone: text,
    data: { [`a${text}`]: text },
    addresses: expect.arrayContaining([{ channel: text, address: text }]),
  })
  expect(events.edges.map(({ node }: { node: { id: string } }) => node.id)).toEqual([event.id])
  expect([eventByIdempotencyKey.id, preferences.recipientId]).toEqual([event.id, text])

  const token = await carillon.tokenFor(text)
  const { inbox, viewer, node } = await carillon.ok(
    token,
    `query ($id: ID!) { viewer { recipientId } inbox { recipientId notifications { edges { node { content { title } recipientId } } } } node(id: $id) { ... on Recipient { recipientId } } }`,
    { id: recipient.id },
  )
  expect([viewer.recipientId, inbox.recipientId, node.recipientId]).toEqual([text, text, text])
  expect(inbox.notifications.edges).toEqual([{ node: { content: { title: text }, recipientId: text } }])
})
