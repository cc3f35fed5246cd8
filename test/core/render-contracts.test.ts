import { expect, test } from 'vitest'
import { z } from 'zod'
import { contractOf } from '../../server/core/render-contracts.ts'

const fits = (channel: string, content: unknown): boolean => contractOf(channel).safeParse(content).success

test.each([
  ['in_app', { title: 'T' }],
  [
    'in_app',
    {
      title: 'T',
      body: '',
      primaryAction: { label: 'L', url: '/x' },
      secondaryAction: { label: 'L', url: '/y' },
      data: [1],
    },
  ],
  ['email', { subject: '', html: '', text: '' }],
  ['sms', { text: 'x' }],
  ['push', { title: '', body: '' }],
  ['push', { title: '', body: '', data: { a: 1 } }],
  ['chat', { text: '' }],
  ['chat', { text: '', blocks: [{}] }],
  ['pager', {}],
  ['pager', { any: ['thing', null, { at: 'all' }] }],
])('%s takes %j', (channel, content) => {
  expect(fits(channel, content)).toBe(true)
})

test.each([
  ['in_app', {}],
  ['in_app', { title: '' }],
  ['in_app', { title: 'T', extra: 1 }],
  ['in_app', { title: 'T', primaryAction: { label: 'L' } }],
  ['in_app', { title: 'T', data: () => 1 }],
  ['email', { subject: 'S', html: '' }],
  ['email', { subject: 'a\r\nBcc: all@example.test', html: '', text: '' }],
  ['sms', { text: '' }],
  ['push', { title: '' }],
  ['chat', { text: 1 }],
  ['pager', 'text'],
  ['pager', ['list']],
  ['pager', { at: new Date(0) }],
  ['in_app', null],
])('%s refuses %o', (channel, content) => {
  expect(fits(channel, content)).toBe(false)
})

test("a host's own contract goes before any other", () => {
  const own = { pager: { content: z.strictObject({ code: z.number() }) } }
  expect(contractOf('pager', own).safeParse({ code: 1 }).success).toBe(true)
  expect(contractOf('pager', own).safeParse({ any: 1 }).success).toBe(false)
})
