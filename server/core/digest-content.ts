/** How many items a digest without a template of its own shows; the others are counted. */
export const SHOWN_ITEMS = 50

type Content = Readonly<Record<string, unknown>>

const textOf = (content: Content, field: string): string => {
  const value = content[field]
  return typeof value === 'string' ? value.trim() : ''
}

/** The first line of a text, no longer than a screen's. */
const headline = (text: string): string => {
  const [line = ''] = text.split('\n')
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] as string)

const more = (hidden: number): string[] => (hidden > 0 ? [`and ${hidden} more`] : [])

const countOf = (count: number): string => `${count} notifications`

const bullets = (lines: readonly string[], hidden: number): string =>
  [...lines.map((line) => `- ${line}`), ...more(hidden)].join('\n')

/** What each channel's content says in a line, and how lines become that channel's content. */
const CHANNELS: Readonly<
  Record<
    string,
    {
      readonly line: (content: Content) => string
      readonly join: (lines: readonly string[], hidden: number) => Content
    }
  >
> = {
  email: {
    line: (content) => textOf(content, 'subject') || headline(textOf(content, 'text')),
    join: (lines, hidden) => ({
      subject: countOf(lines.length + hidden),
      text: bullets(lines, hidden),
      html: `<ul>${[...lines, ...more(hidden)].map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`,
    }),
  },
  in_app: {
    line: (content) => textOf(content, 'title'),
    join: (lines, hidden) => ({
      title: countOf(lines.length + hidden),
      body: bullets(lines, hidden),
      data: { count: lines.length + hidden },
    }),
  },
  sms: {
    line: (content) => headline(textOf(content, 'text')),
    join: (lines, hidden) => ({ text: `${countOf(lines.length + hidden)}:\n${bullets(lines, hidden)}` }),
  },
  push: {
    line: (content) => textOf(content, 'title'),
    join: (lines, hidden) => ({ title: countOf(lines.length + hidden), body: bullets(lines, hidden) }),
  },
  chat: {
    line: (content) => headline(textOf(content, 'text')),
    join: (lines, hidden) => ({ text: `${countOf(lines.length + hidden)}:\n${bullets(lines, hidden)}` }),
  },
}

/**
 * A digest made of its members' own content, oldest first: one is sent as it is, several as a list of their subjects or
 * titles. `count` is how many there are in all. A channel of a host's own gets `{ count, items }`.
 */
export const digestContent = (channel: string, contents: readonly Content[], count: number): Content => {
  const [only] = contents
  if (count === 1 && only) return only
  const known = Object.hasOwn(CHANNELS, channel) ? CHANNELS[channel] : undefined
  if (!known) return { count, items: contents }
  const lines = contents.map(known.line).filter((line) => line !== '')
  return known.join(lines, count - lines.length)
}
