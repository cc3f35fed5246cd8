import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { digestContent } from '../../server/core/digest-content.ts'
import { defineNotifier, smtp } from '../../server/index.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
import { type SmtpProvider, smtpProvider } from '../adapters/smtp-provider.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'
import { tallyOf } from './tally.ts'

/** Each would be carried out, or read from somewhere, by some template language, mail program or browser. */
const INJECTIONS = [
  '{{constructor.constructor("return process")()}}',
  '{{#with "s" as |string|}}{{/with}}',
  '{{> partial}}',
  '{% include "/etc/passwd" %}',
  '$' + '{process.exit(1)}',
  '#{7*7}',
  '<%= process.env %>',
  '<#assign x=7*7>',
  '%{7*7}',
  '[[' + '$' + '{7*7}]]',
  '{$smarty.version}',
  '%(x)s',
  '$&$1$`',
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg/onload=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></li></ul><iframe src=//evil.example.test>',
  '&lt;script&gt;',
  'javascript:alert(1)',
  'x\r\nBcc: eve@example.test',
  'x\nX-Evil: 1',
  'x\r\n\r\n<html>',
  'x\r\n.\r\nMAIL FROM:<eve@example.test>',
  '=?utf-8?b?QmNjOiBldmVAZXhhbXBsZS50ZXN0?=\r\nX-Evil: 1',
  'x\u2028X-Evil: 1\u2029',
  'x\u0085X-Evil: 1',
]

const CONTENT = { email: 'subject', sms: 'text', push: 'title', in_app: 'title' } as const

const echo = defineNotifier({
  key: 'echo',
  version: 1,
  payload: z.object({ text: z.string() }),
  channels: ['in_app', 'email', 'sms', 'push'],
  render: {
    in_app: ({ payload, recipient }) => ({ title: payload.text, body: recipient.displayName ?? '' }),
    email: ({ payload, recipient }) => ({ subject: payload.text, html: '', text: recipient.displayName ?? '' }),
    sms: ({ payload }) => ({ text: payload.text }),
    push: ({ payload }) => ({ title: payload.text, body: 'there' }),
  },
})

const tally = tallyOf('S24')
const [mail, phone, push] = [scripted('mail'), scripted('phone'), scripted('push')]
let carillon: TestCarillon
let provider: SmtpProvider
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [echo], adapters: { email: mail, sms: phone, push } })
  provider = await smtpProvider()
})
afterAll(async () => {
  await carillon.close()
  await provider.close()
  tally.report()
})

test('what stands in a payload or a name is handed on as it is, by every channel, and nothing in it is carried out', async () => {
  for (const [index, text] of INJECTIONS.entries()) {
    const id = `r${index}`
    const addresses = [{ channel: 'push', address: id }]
    const recipients = [{ id, displayName: text, email: `${id}@example.test`, phone: '+442079460000', addresses }]
    await trigger(carillon, { notificationKey: 'echo', payload: { text }, recipients })
    await carillon.drainJobs()
    for (const [adapter, channel] of [
      [mail, 'email'],
      [phone, 'sms'],
      [push, 'push'],
    ] as const) {
      const call = adapter.calls.find(({ recipient }) => recipient.id === id)
      const content = call?.content as Record<string, unknown> | undefined
      // No subject is of several lines: the mail is refused before anybody is asked to send it.
      const isRefused = channel === 'email' && /[\r\n]/.test(text)
      tally.tried(`${text} on ${channel}`, isRefused ? call !== undefined : content?.[CONTENT[channel]] !== text)
    }
    const token = await carillon.tokenFor(id)
    const { inbox } = await carillon.ok(
      token,
      '{ inbox { notifications { edges { node { content { title body } } } } } }',
    )
    const { title, body } = inbox.notifications.edges[0].node.content
    tally.tried(`${text} in the inbox`, title !== text || body !== text)
  }
})

test('a digest that nobody wrote a template for has what it lists as text, and its page runs nothing', () => {
  for (const text of INJECTIONS) {
    const { html, subject } = digestContent('email', [{ subject: text }, { subject: text }], 3) as Record<
      string,
      string
    >
    const inside = (html ?? '').replaceAll(/<\/?(?:ul|li)>/g, '')
    tally.tried(`${text} in a list`, /[<>"]|&(?!amp;|lt;|gt;|quot;)/.test(inside) || subject !== '3 notifications')
  }
})

test('no header of a mail, and no recipient, is made of what stands in its subject, its texts or its names', async () => {
  const from = 'Example <no-reply@example.test>'
  const adapter = smtp({ url: `smtp://127.0.0.1:${provider.port}`, from, timeoutMs: 5_000 })
  const plain = sampleMessage({ subject: 'x', html: '<p>x</p>', text: 'x' })
  const never = new AbortController().signal
  const namesOf = (headers: readonly { readonly key: string }[]) => headers.map(({ key }) => key).sort()
  await adapter.deliver(plain, never)
  const known = namesOf(provider.mails[0]?.mail.headers ?? [])
  expect(known).toContain('subject')
  for (const text of INJECTIONS) {
    const content = { subject: text, html: text, text }
    const recipient = { ...plain.recipient, displayName: text }
    for (const message of [
      { ...plain, content },
      { ...plain, recipient },
      { ...plain, idempotencyKey: text },
      { ...plain, notificationKey: text },
      { ...plain, deliveryId: text },
    ]) {
      const before = provider.mails.length
      await adapter.deliver(message, never)
      const arrived = provider.mails.slice(before)
      const isForged = arrived.some(
        ({ to, mail: { headers, bcc } }) =>
          to.join() !== 'ada@example.test' || (bcc ?? []).length > 0 || namesOf(headers).join() !== known.join(),
      )
      tally.tried(`${JSON.stringify(text)} in a mail`, arrived.length > 1 || isForged)
    }
  }
  await adapter.close?.()
})

// Not by a literal: it is JSX, which the server's tests are not compiled with.
const ITEM = new URL('../../client-sdk/react/item.tsx', import.meta.url).pathname

test('a link that would run something, or read a file, is shown as none', async () => {
  const { safeUrl } = (await import(ITEM)) as { readonly safeUrl: (url: string) => string | undefined }
  expect(safeUrl('https://example.test/')).toBe('https://example.test/')
  for (const url of [
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'java\tscript:alert(1)',
    '\u0001javascript:alert(1)',
    'javascript://example.test/%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:msgbox(1)',
    'blob:https://example.test/x',
    'file:///etc/passwd',
    'filesystem:https://example.test/x',
    'view-source:https://example.test',
    'intent://x#Intent;scheme=http;end',
    'ms-msdt:/id',
    '//[',
  ])
    tally.tried(url, safeUrl(url) !== undefined)
})
