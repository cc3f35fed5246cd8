import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier, memory } from '../../server/index.ts'
import { countTests, tallyOf } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { standsOf } from '../support/deliveries.ts'
import { alarm, invoice, mention, page } from '../support/notifiers.ts'
import { trigger } from '../support/trigger.ts'

/** Behind a proxy that takes a part of the path away. */
const PUBLIC_URL = 'https://notify.example.test/news'

const mail = memory()
const pager = memory({ name: 'pager' })
/** In no category, and with a name that is markup. */
const bare = defineNotifier({
  key: '<b>"weekly" & more</b>',
  version: 1,
  payload: z.object({}),
  channels: ['email'],
  render: { email: () => ({ subject: 'Weekly', html: '', text: '' }) },
})
const reply = defineNotifier({
  key: 'comment.replied',
  version: 1,
  category: 'comments',
  payload: z.object({}),
  channels: ['email'],
  render: { email: () => ({ subject: 'Reply', html: '', text: '' }) },
})
const config = { notifiers: [invoice, mention, reply, alarm, bare, page], adapters: { email: mail, pager } }

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(config, { publicUrl: PUBLIC_URL })
})
const tally = tallyOf('S31')
afterAll(async () => {
  await carillon.close()
  tally.report()
})

let recipientId: string
let count = 0
beforeEach(() => {
  recipientId = `reader-${count++}`
  mail.clear()
  pager.clear()
})

const PAYLOADS: Record<string, object> = { 'invoice.sent': { number: 7 }, 'comment.mentioned': { author: 'Bob' } }
const send = async (notificationKey: string): Promise<string> => {
  const recipients = [{ id: recipientId, email: `${recipientId}@example.test` }]
  const payload = PAYLOADS[notificationKey] ?? {}
  const { event } = await trigger(carillon, { notificationKey, payload, recipients })
  await carillon.drainJobs()
  return event.id
}
/** How the e-mail of a further event of that notifier stands. */
const nextOf = async (notificationKey: string): Promise<string[]> =>
  standsOf(carillon, { eventId: await send(notificationKey), channel: 'email' })
/** The link that such a mail carries, as the server behind the proxy gets it. */
const linkOf = async (notificationKey: string): Promise<string> => {
  await send(notificationKey)
  const link = mail.messages.at(-1)?.unsubscribeUrl ?? ''
  expect(link.slice(0, PUBLIC_URL.length + 13)).toBe(`${PUBLIC_URL}/unsubscribe/`)
  return link.replace(PUBLIC_URL, new URL(carillon.graphqlUrl).origin)
}
const post = (url: string, body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body, headers })
const oneClick = (fields: Record<string, string> = {}) =>
  new URLSearchParams({ 'List-Unsubscribe': 'One-Click', ...fields })
const preferencesOf = async (id = recipientId) => {
  const query = `query ($id: ID!) { preferences(recipientId: $id) { preferences { notificationKey category channel enabled } } }`
  return (await carillon.ok(carillon.backendKey, query, { id })).preferences.preferences
}

test('looking at the link says what it is for, and changes nothing however often it is done', async () => {
  const link = await linkOf('comment.mentioned')
  for (let look = 0; look < 3; look++) {
    const response = await fetch(link)
    expect(response.status).toBe(200)
    const html = await response.text()
    expect(html).toContain('no more e-mail of the category <strong>comments</strong>')
    expect(html).toMatch(/<form method="post">[\s\S]*<button/)
    expect(html).not.toMatch(/<script|\son\w+=|javascript:|https?:/i)
    expect(html).not.toContain(recipientId)
  }
  tally.tried('scanners that follow the link', (await preferencesOf()).length > 0)
  expect(await preferencesOf()).toEqual([])
  expect(await nextOf('comment.mentioned')).toEqual(['email SUCCEEDED'])
})

test('the page is a document of its own that runs nothing, is kept nowhere, and tells nobody its address', async () => {
  const { headers } = await fetch(await linkOf('invoice.sent'))
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('referrer-policy')).toBe('no-referrer')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('x-robots-tag')).toBe('noindex')
  expect(headers.get('access-control-allow-origin')).toBeNull()
  expect(headers.get('set-cookie')).toBeNull()
  const policy = headers.get('content-security-policy')
  expect(policy).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
  )
})

test('HEAD is answered like GET, without the page', async () => {
  const link = await linkOf('invoice.sent')
  const [head, get] = [await fetch(link, { method: 'HEAD' }), await fetch(link)]
  expect([head.status, await head.text()]).toEqual([200, ''])
  for (const name of ['content-type', 'content-length', 'content-security-policy', 'cache-control']) {
    expect(head.headers.get(name)).toBe(get.headers.get(name))
  }
})

test("a mailbox provider's one click switches the category off for e-mail, and is answered with nothing", async () => {
  const link = await linkOf('comment.mentioned')
  const response = await post(link, oneClick())
  expect([response.status, await response.text(), response.redirected]).toEqual([200, '', false])
  expect(await preferencesOf()).toEqual([
    { notificationKey: null, category: 'comments', channel: 'email', enabled: false },
  ])
  expect(await nextOf('comment.mentioned')).toEqual(['email category_disabled'])
  expect(await nextOf('comment.replied')).toEqual(['email category_disabled'])
  expect(await nextOf('invoice.sent')).toEqual(['email SUCCEEDED'])
})

test('one click may come as multipart, as RFC 8058 prefers, and twice', async () => {
  const link = await linkOf('comment.mentioned')
  for (let click = 0; click < 2; click++) {
    const form = new FormData()
    form.set('List-Unsubscribe', 'One-Click')
    expect((await post(link, form)).status).toBe(200)
  }
  expect(await preferencesOf()).toHaveLength(1)
  expect(await nextOf('comment.mentioned')).toEqual(['email category_disabled'])
})

test('a person is told that it is done', async () => {
  const link = await linkOf('comment.mentioned')
  const fields = [...(await (await fetch(link)).text()).matchAll(/name="([^"]+)" value="([^"]+)"/g)]
  const form = new URLSearchParams(fields.map((match) => [match[1] as string, match[2] as string]))
  const response = await post(link, form)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  const html = await response.text()
  expect(html).toContain('<h1>You are unsubscribed</h1>')
  expect(html).toContain('no more e-mail of the category <strong>comments</strong>')
  expect(html).not.toContain('<form')
  expect(await nextOf('comment.mentioned')).toEqual(['email category_disabled'])
})

test('a notifier without a category is switched off by its key, which is shown as text', async () => {
  const link = await linkOf(bare.key)
  expect(await (await fetch(link)).text()).toContain(
    'e-mail of the kind <strong>&lt;b&gt;&quot;weekly&quot; &amp; more&lt;/b&gt;</strong>',
  )
  await post(link, oneClick())
  expect(await preferencesOf()).toEqual([
    { notificationKey: bare.key, category: null, channel: 'email', enabled: false },
  ])
  expect(await nextOf(bare.key)).toEqual(['email channel_disabled'])
})

test('what the recipient had switched on by a more specific preference stops coming too', async () => {
  await carillon.ok(
    carillon.backendKey,
    'mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { __typename } }',
    {
      input: {
        recipientId,
        preferences: [
          { notificationKey: 'comment.mentioned', channel: 'email', enabled: true },
          { notificationKey: 'comment.replied', enabled: true },
          { notificationKey: 'invoice.sent', enabled: true },
          { notificationKey: 'comment.mentioned', channel: 'in_app', enabled: true },
        ],
      },
    },
  )
  await post(await linkOf('comment.mentioned'), oneClick())
  expect(await nextOf('comment.mentioned')).toEqual(['email channel_disabled'])
  expect(await nextOf('comment.replied')).toEqual(['email channel_disabled'])
  expect(await nextOf('invoice.sent')).toEqual(['email SUCCEEDED'])
  expect(await preferencesOf()).toContainEqual({
    notificationKey: 'comment.mentioned',
    category: null,
    channel: 'in_app',
    enabled: true,
  })
})

test('the link is the same in every mail, and each recipient has another', async () => {
  const first = await linkOf('comment.mentioned')
  expect(await linkOf('comment.replied')).toBe(first)
  expect(await linkOf('invoice.sent')).not.toBe(first)
  recipientId = `reader-${count++}`
  expect(await linkOf('comment.mentioned')).not.toBe(first)
})

test('what is required, and what is no e-mail, carries no link', async () => {
  await send('security.alarm')
  await send('pager.call')
  expect([mail.messages[0]?.unsubscribeUrl, pager.messages[0]?.unsubscribeUrl]).toEqual([null, null])
})

describe('what no link does', () => {
  countTests(tally)

  test('a link that was tampered with, cut off or made up is none, to look at and to post to', async () => {
    const link = await linkOf('invoice.sent')
    const [, token] = link.split('/unsubscribe/') as [string, string]
    const flipped = `${token.slice(0, 30)}${token[30] === 'A' ? 'B' : 'A'}${token.slice(31)}`
    const origin = link.slice(0, -token.length)
    for (const bad of [
      '',
      'x',
      flipped,
      token.slice(0, -1),
      `${token}A`,
      `${token}/`,
      `${token}%00`,
      'a'.repeat(4_000),
    ]) {
      for (const method of ['GET', 'HEAD', 'POST']) {
        const response = await fetch(`${origin}${bad}`, { method, ...(method === 'POST' && { body: oneClick() }) })
        expect([bad, response.status]).toEqual([bad, 404])
        expect(response.headers.get('cache-control')).toBe('no-store')
        if (method === 'GET') expect(await response.text()).toContain('This link does not work')
      }
    }
    expect(await preferencesOf()).toEqual([])
  })

  test("another server's link is none here", async () => {
    const link = await linkOf('invoice.sent')
    const other = await startCarillon(config, { secretKey: 'another-secret-key-of-32-characters-or-so' })
    const response = await fetch(link.replace(new URL(link).origin, new URL(other.graphqlUrl).origin))
    expect(response.status).toBe(404)
    await other.close()
  })

  test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is refused', async (method) => {
    const response = await fetch(await linkOf('invoice.sent'), { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
    expect(await preferencesOf()).toEqual([])
  })

  test.each<[string, BodyInit, Record<string, string>, number]>([
    ['nothing', '', { 'content-type': 'application/x-www-form-urlencoded' }, 400],
    ['another field', new URLSearchParams({ page: 'done' }), {}, 400],
    ['another value', new URLSearchParams({ 'List-Unsubscribe': 'one-click' }), {}, 400],
    ['broken multipart', 'nonsense', { 'content-type': 'multipart/form-data; boundary=x' }, 400],
    ['multipart without a boundary', 'nonsense', { 'content-type': 'multipart/form-data' }, 400],
    ['JSON', '{"List-Unsubscribe":"One-Click"}', { 'content-type': 'application/json' }, 415],
    ['plain text', 'List-Unsubscribe=One-Click', { 'content-type': 'text/plain' }, 415],
    ['more than a form', oneClick({ filler: 'x'.repeat(10_000) }), {}, 413],
  ])('a post of %s changes nothing', async (_, body, headers, status) => {
    expect((await post(await linkOf('invoice.sent'), body, headers)).status).toBe(status)
    expect(await preferencesOf()).toEqual([])
  })

  test('a body without end is cut off', async () => {
    const link = await linkOf('invoice.sent')
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1_000
        controller.enqueue(new Uint8Array(1_000).fill(97))
        if (sent > 10_000_000) controller.close()
      },
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await fetch(link, { method: 'POST', body: endless, headers, duplex: 'half' } as RequestInit).then(
      ({ status }) => status,
      () => 'hung up',
    )
    expect([413, 'hung up']).toContain(answer)
    expect(sent).toBeLessThan(10_000_000)
    expect(await preferencesOf()).toEqual([])
  })
})

test('without an address of its own a server puts no links into mail', async () => {
  const silent = await startCarillon(config)
  const recipients = [{ id: 'ada', email: 'ada@example.test' }]
  await trigger(silent, { notificationKey: 'invoice.sent', payload: { number: 1 }, recipients })
  await silent.drainJobs()
  expect(mail.messages.at(-1)?.unsubscribeUrl).toBeNull()
  await silent.close()
})
