import { expect, test } from 'vitest'
import type { Adapter, DeliverResult, OutgoingMessage } from '../../server/adapters/adapter.ts'
import { memory } from '../../server/adapters/memory.ts'
import { AdapterContractError, adapterContract } from '../../server/testing/adapter-contract.ts'
import { httpProvider } from '../../server/testing/http-provider.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'

type Content = { readonly text: string }
type Parts = {
  readonly message: OutgoingMessage<Content>
  readonly signal: AbortSignal
  /** Sends it to the provider, in the ways of a good adapter but for what is given. */
  post(changes?: { readonly key?: string; readonly signal?: AbortSignal | null }): Promise<Response>
}

const verdictOf = ({ ok, status }: Response): DeliverResult => {
  if (ok) return { outcome: 'accepted' }
  return { outcome: status < 500 ? 'permanent' : 'temporary', reason: `HTTP ${status}` }
}

/** An adapter that does what it should, but for how it delivers. */
const adapterAt = (url: string, deliver: (parts: Parts) => Promise<DeliverResult>): Adapter<Content> => ({
  name: 'pigeon',
  deliver: (message, signal) =>
    deliver({
      message,
      signal,
      async post({ key = message.idempotencyKey, signal: heeded = signal } = {}) {
        const headers = { 'idempotency-key': key }
        const body = JSON.stringify({ to: message.address, ...message.content })
        return fetch(url, { method: 'POST', headers, body, ...(heeded && { signal: heeded }) })
      },
    }),
})

const casesOf = (make: (url: string) => Adapter<Content>) =>
  adapterContract({
    provider: () => httpProvider({ keyOf: ({ headers }) => headers['idempotency-key'] as string | undefined }),
    makeAdapter: ({ provider }) => make(provider.url),
    message: (changes) => sampleMessage({ text: 'INV-4711 is due' }, changes),
    unspeakable: ['INV-4711', 'ada@example.test'],
  })

const kept: string[] = []
const ACCEPTS = 'it has a name, and accepts a message'
const KEYS = 'two tries give the provider the same idempotency key, and another delivery another'

test.each<readonly [what: string, name: string, says: string, (parts: Parts) => Promise<DeliverResult>]>([
  ['throws', ACCEPTS, 'rejected with Error: out of seed', () => Promise.reject(new Error('out of seed'))],
  ['answers nonsense', ACCEPTS, 'answered {"outcome":"ok"}', async () => ({ outcome: 'ok' }) as never],
  ['answers nothing', ACCEPTS, 'answered undefined', async () => undefined as never],
  [
    'says too much',
    'a provider that refuses for now is answered in time with temporary',
    'reason: ',
    async ({ post }) => ({ ...verdictOf(await post()), reason: 'x'.repeat(100_000) }),
  ],
  [
    'hangs past the abort',
    'an abort ends a call to a provider that says nothing promptly',
    'was still at it 1500 ms after its signal had been aborted',
    async ({ post }) => verdictOf(await post({ signal: null })),
  ],
  [
    'hangs past its time',
    'a provider that says nothing is answered in time with temporary or rejected',
    'was still at it',
    async ({ post }) => verdictOf(await post({ signal: null })),
  ],
  [
    'does not look at a signal that was aborted',
    'a call that was aborted before it began does not reach the provider',
    'and not temporary or rejected, when its call was aborted before it began',
    async ({ post }) => verdictOf(await post({ signal: null })),
  ],
  [
    'makes a key for each try',
    KEYS,
    'another idempotency key on the second try',
    async ({ post, message }) => verdictOf(await post({ key: message.attemptId })),
  ],
  [
    'has one key for all',
    KEYS,
    'the same idempotency key for another delivery',
    async ({ post }) => verdictOf(await post({ key: 'pigeon' })),
  ],
  [
    'gives no key',
    KEYS,
    'gave its provider no idempotency key',
    async ({ post }) => verdictOf(await post({ key: '' })),
  ],
  [
    'calls twice',
    KEYS,
    'called its provider 6 times for three messages',
    async ({ post }) => verdictOf((await post()) && (await post())),
  ],
  [
    'takes a refusal for an answer',
    'a provider that refuses for good is answered in time with permanent or bounced',
    'accepted, and not permanent or bounced',
    async ({ post }) => ((await post()) ? { outcome: 'accepted' } : { outcome: 'temporary' }),
  ],
  [
    'gives up for good what is refused for now',
    'a provider that refuses for now is answered in time with temporary',
    'permanent (HTTP 503), and not temporary',
    async ({ post }) => {
      const { ok, status } = await post()
      return ok ? { outcome: 'accepted' } : { outcome: 'permanent', reason: `HTTP ${status}` }
    },
  ],
  [
    'repeats what its provider says',
    'a provider that refuses with all it was given is answered in time with permanent or bounced',
    'shows "INV-4711" in what it says',
    async ({ post }) => {
      const answer = await post()
      return answer.ok ? { outcome: 'accepted' } : { outcome: 'permanent', reason: (await answer.text()).slice(0, 200) }
    },
  ],
  [
    'keeps what its provider says',
    'answers of ten megabytes are not kept',
    'bytes of ten answers of ten megabytes',
    async ({ post }) => {
      const answer = await post()
      kept.push(await answer.text())
      return verdictOf(answer)
    },
  ],
])('an adapter that %s does not pass "%s"', async (_what, name, says, deliver) => {
  const found = casesOf((url) => adapterAt(url, deliver)).filter((one) => one.name === name)
  expect(found).toHaveLength(1)
  const broken = await found[0]?.run().catch((error: unknown) => error)
  kept.length = 0
  expect(broken).toBeInstanceOf(AdapterContractError)
  expect(String(broken)).toContain('the adapter "pigeon"')
  expect(String(broken)).toContain(says)
})

test('an adapter without a name, and one that cannot be closed twice, do not pass either', async () => {
  const [named, closed] = casesOf((url) => ({
    ...adapterAt(url, async ({ post }) => verdictOf(await post())),
    name: ' ',
  }))
  await expect(named?.run()).rejects.toThrow('has no name')
  await closed?.run()
  let open = true
  const [, closing] = casesOf((url) => ({
    ...adapterAt(url, async ({ post }) => verdictOf(await post())),
    close() {
      if (!open) throw new Error('closed already')
      open = false
    },
  }))
  await expect(closing?.run()).rejects.toThrow('closed already')
})

test('an adapter that calls nobody has few promises to keep, and its message may be of any channel', async () => {
  const adapter = memory()
  const cases = adapterContract({
    makeAdapter: () => adapter,
    message: (changes) => sampleMessage({ text: 'hello' }, { channel: 'sms', address: '+49 170 1234567', ...changes }),
  })
  for (const { run } of cases) await run()
  expect(cases.map(({ name }) => name)).toEqual([
    ACCEPTS,
    'closing it twice, and delivering when it is closed, harms nothing',
  ])
  expect(adapter.messages[0]).toMatchObject({ channel: 'sms', content: { text: 'hello' }, attemptNumber: 1 })
})
