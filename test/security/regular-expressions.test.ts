import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkSync } from 'recheck'
import { afterAll, expect, test } from 'vitest'
import { isPublicAddress } from '../../server/adapters/public-address.ts'
import { postmark } from '../../server/adapters/receivers/postmark.ts'
import { standardWebhooks } from '../../server/adapters/receivers/standard-webhooks.ts'
import { retryAfterMs } from '../../server/adapters/retry-after.ts'
import { decodeInboxCursor } from '../../server/core/cursor.ts'
import { durationMs } from '../../server/core/duration.ts'
import { idFault, jsonFault, textFault } from '../../server/core/json-limits.ts'
import { maskAddress } from '../../server/core/mask.ts'
import { decodeNodeId } from '../../server/core/node-id.ts'
import { providerReason } from '../../server/core/provider-reason.ts'
import { parsePushSubscription } from '../../server/core/push-subscription.ts'
import { tenantNameFault } from '../../server/core/tenant-name.ts'
import { unsubscribeTokens } from '../../server/core/unsubscribe-token.ts'
import { isTimeZone, minuteOfDay } from '../../server/core/zoned-time.ts'
import { credentialOf } from '../../server/http/auth.ts'
import { leastCpuMs } from './least-cpu.ts'
import { tallyOf } from './tally.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** The regular expressions of a text, as they are written: behind what can stand before a value, and on one line. */
const LITERAL =
  /(?<=[(=,:[!&|?{};\n]\s*|return\s+)\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/([dgimsuvy]*)/g

const literals = ['server', 'schema', 'client-sdk'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('generated'))
    .flatMap((file) => {
      const text = readFileSync(join(ROOT, folder, file), 'utf8')
      return [...text.matchAll(LITERAL)].map(([, source = '', flags = '']) => ({
        file: join(folder, file),
        source,
        flags,
      }))
    }),
)

/** What is read out of the operator's own settings, or was made here, and by nobody else: no caller can make it long. */
const OWN_SETTINGS = new Set([
  'server/environment.ts: \\/+$',
  'server/adapters/twilio.ts: \\/+$',
  'schema/reference.ts: \\s*\\[([^\\]]*)\\]',
  'server/adapters/receivers/twilio.ts: \\/+$',
  'server/adapters/vapid.ts: ^mailto:.+@.+$',
  'server/adapters/web-push.ts: [\\w-]+\\.[\\w.-]+',
  // Looks for the start of a run of characters, which the checker does not know of.
  'server/core/secret-words.ts: ^[^\\p{L}\\p{N}]+|(?<![^\\p{L}\\p{N}])[^\\p{L}\\p{N}]+$',
])

const isExpression = (source: string, flags: string): boolean => {
  try {
    return new RegExp(source, flags) instanceof RegExp
  } catch {
    return false
  }
}

/** Those that the checker has found to be safe, by what they are: it is asked of others alone. */
const CHECKED = join(import.meta.dirname, 'checked-expressions.json')
const nameOf = ({ source, flags }: { readonly source: string; readonly flags: string }): string =>
  createHash('sha256').update(`/${source}/${flags}`).digest('hex').slice(0, 16)

const expressions = [
  ...new Map(
    literals
      .filter(({ file, source, flags }) => isExpression(source, flags) && !OWN_SETTINGS.has(`${file}: ${source}`))
      .map((one) => [nameOf(one), one]),
  ).values(),
]

const tally = tallyOf('S25')
afterAll(() => tally.report())

const check = ({ file, source, flags }: (typeof expressions)[number]): boolean => {
  // The checker knows no v flag, and u in its stead is stricter.
  const result = checkSync(source, flags.replace('v', 'u'), { timeout: 20_000, seed: 1 } as never)
  const summary = 'complexity' in result ? result.complexity?.summary : ''
  const isVulnerable = result.status === 'vulnerable'
  tally.tried(`${file}: /${source}/${flags} is ${result.status} ${summary}`, isVulnerable)
  return !isVulnerable
}

// All of them take more than a minute: CARILLON_REDOS=1 asks of all again, and keeps what it was told.
test('no regular expression takes longer than the text that it is given is long, by more than a little', () => {
  const isAll = Boolean(process.env['CARILLON_REDOS'])
  const checked = new Set<string>(isAll ? [] : JSON.parse(readFileSync(CHECKED, 'utf8')))
  const found = expressions.filter((one) => {
    if (!checked.has(nameOf(one))) return check(one)
    tally.tried(nameOf(one), false)
    return true
  })
  if (isAll) writeFileSync(CHECKED, `${JSON.stringify(found.map(nameOf).sort(), null, 2)}\n`)
  expect(expressions.length).toBeGreaterThan(100)
}, 300_000)

const LENGTH = 50_000
const MAX_CPU_MS = 10

/** Long texts of one kind, each of which ends as nothing of that kind does: whoever looks for an end finds none. */
const LONG = [
  'a',
  'A',
  '0',
  ' ',
  '\t',
  '\n',
  '/',
  '.',
  '-',
  '=',
  '"',
  ':',
  '%',
  '<',
  '💥',
  'a.',
  '0,',
  ' \n',
  'a@',
  'v1,a ',
  '-a_',
].map((piece) => `${piece.repeat(LENGTH / piece.length)}\0`)

const tokens = unsubscribeTokens('a-secret-key-for-tests-of-32-characters')
const inbox = { tenantId: 'acme', recipientId: 'ada' }
const request = (headers: Record<string, string>) => ({ rawBody: Buffer.from('{}'), url: 'http://x.test/', headers })
const key = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const [hook, basic] = [standardWebhooks({ secret: key }), postmark({ username: 'u', password: 'p' })]

/** Whatever reads a text that somebody outside has written, before anybody knows who it was or what it is. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  isTimeZone,
  minuteOfDay,
  durationMs,
  maskAddress,
  decodeNodeId,
  tenantNameFault,
  isPublicAddress,
  textFault: (text) => textFault(text, []),
  idFault: (text) => idFault(text, []),
  jsonFault: (text) => jsonFault({ text }, []),
  retryAfterMs: (text) => retryAfterMs(text, 0),
  providerReason: (text) => providerReason(text, ['hidden']),
  parsePushSubscription: (text) => parsePushSubscription(text, false),
  decodeInboxCursor: (text) => decodeInboxCursor(inbox, text),
  credentialOf: (text) => credentialOf({ headers: { authorization: `Bearer ${text}` } } as never),
  'credentialOf, in the address': (text) =>
    credentialOf({ headers: {}, method: 'GET', url: `/?token=${text}` } as never),
  'the token of a link': (text) => tokens.open(text),
  'a signature': (text) =>
    hook.receive(request({ 'webhook-id': 'x', 'webhook-timestamp': '1', 'webhook-signature': text })),
  'the id of a webhook': (text) =>
    hook.receive(request({ 'webhook-id': text, 'webhook-timestamp': '1', 'webhook-signature': text })),
  'a login': (text) => basic.receive(request({ authorization: `Basic ${text}` })),
}

test.each(Object.entries(READERS))(
  '%s has read 50,000 characters of any kind in 10 milliseconds',
  async (name, read) => {
    for (const text of LONG) {
      const least = await leastCpuMs(() => {
        try {
          read(text)
        } catch {
          // To be refused is an answer too.
        }
      }, MAX_CPU_MS)
      tally.tried(`${name} of ${JSON.stringify(text.slice(0, 6))}: ${least} ms`, least > MAX_CPU_MS)
    }
  },
)
