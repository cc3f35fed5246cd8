import { expect, test } from 'vitest'
import { digestContent, SHOWN_ITEMS } from '../../server/core/digest-content.ts'
import { contractOf } from '../../server/core/render-contracts.ts'

const CHANNELS = ['email', 'in_app', 'sms', 'push', 'chat'] as const

/** Content of each channel that says this. */
const CONTENT: Record<(typeof CHANNELS)[number], (text: string) => Record<string, unknown>> = {
  email: (text: string) => ({ subject: text, html: `<p>${text}</p>`, text }),
  in_app: (text: string) => ({ title: text, body: 'more' }),
  sms: (text: string) => ({ text: `${text}\nand so on` }),
  push: (text: string) => ({ title: text, body: 'more' }),
  chat: (text: string) => ({ text: `${text}\nand so on` }),
}

test.each(CHANNELS)('a digest of one on %s is that one as it is', (channel) => {
  const only = CONTENT[channel]('Ada commented')
  expect(digestContent(channel, [only], 1)).toBe(only)
})

test.each([
  [
    'email',
    {
      subject: '3 notifications',
      text: '- one\n- two\nand 1 more',
      html: '<ul><li>one</li><li>two</li><li>and 1 more</li></ul>',
    },
  ],
  ['in_app', { title: '3 notifications', body: '- one\n- two\nand 1 more', data: { count: 3 } }],
  ['sms', { text: '3 notifications:\n- one\n- two\nand 1 more' }],
  ['push', { title: '3 notifications', body: '- one\n- two\nand 1 more' }],
  ['chat', { text: '3 notifications:\n- one\n- two\nand 1 more' }],
] as const)(
  'a digest of several on %s lists their subjects, titles or first lines, and counts the others',
  (channel, expected) => {
    expect(digestContent(channel, ['one', 'two'].map(CONTENT[channel]), 3)).toEqual(expected)
  },
)

test.each(CHANNELS)('what it makes fits the contract of %s, whatever its members say', async (channel) => {
  const strange = ['', ' ', '<b>&"\u2028', 'x'.repeat(5_000), 'line\nline', '__proto__', '🦜'.repeat(300)]
  for (const texts of [strange, Array.from({ length: SHOWN_ITEMS }, () => 'x'.repeat(5_000))]) {
    const content = digestContent(channel, texts.map(CONTENT[channel]), 10_000)
    expect(await contractOf(channel).safeParseAsync(content)).toMatchObject({ success: true })
  }
})

test('what a member says is text in the list of an e-mail, and never markup', () => {
  const { html } = digestContent('email', [CONTENT.email('<script>"a" & b</script>'), CONTENT.email('b')], 2)
  expect(html).toBe('<ul><li>&lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;</li><li>b</li></ul>')
})

test('an e-mail without a subject is listed by the first line of its text, and a long line is cut', () => {
  const { text } = digestContent(
    'email',
    [
      { subject: ' ', html: '', text: 'first line\nsecond' },
      { subject: '', html: '', text: 'y'.repeat(300) },
    ],
    2,
  )
  expect(text).toBe(`- first line\n- ${'y'.repeat(199)}…`)
})

test('a member that says nothing is counted', () => {
  expect(digestContent('sms', [{ text: '' }, { text: 'one' }], 2)).toEqual({
    text: '2 notifications:\n- one\nand 1 more',
  })
})

test("on a channel of a host's own it is what its members are, and how many", () => {
  expect(digestContent('pager', [{ code: 1 }, { code: 2 }], 7)).toEqual({ count: 7, items: [{ code: 1 }, { code: 2 }] })
  expect(digestContent('toString', [{ code: 1 }, { code: 2 }], 2)).toEqual({
    count: 2,
    items: [{ code: 1 }, { code: 2 }],
  })
})
