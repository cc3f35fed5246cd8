import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Adapter, DeliverResult, OutgoingMessage } from '../../server/adapters/adapter.ts'
import { DEFAULT_TIMEOUT_MS } from '../../server/adapters/deadline.ts'
import { REASON_LENGTH } from '../../server/core/provider-reason.ts'

/** What every provider can do to an adapter. */
export type Behaviour =
  | 'accepts'
  | 'refuses for good'
  | 'refuses for now'
  | 'says nothing'
  | 'drips its answer'
  | 'resets the connection'
  | 'answers nonsense'
  | 'answers ten megabytes'
  | 'answers without end'
  | 'refuses with all it was given'

/** A provider on loopback that does as it is told. */
export interface Provider {
  behave(behaviour: Behaviour): void
  /** The idempotency keys that it was given, in order; `null` where its protocol has none. */
  readonly keys: readonly string[] | null
  /** Settles when it has been called since it was last told how to behave. */
  called(): Promise<void>
  /** How many bytes it has written on all connections. */
  sent(): number
  close(): Promise<void>
}

export interface AdapterUnderTest<C> {
  /** An adapter that calls `provider` and takes `timeoutMs` for a call. */
  make(timeoutMs: number, provider: Provider | null): Adapter<C>
  message(changes?: Partial<OutgoingMessage<C>>): OutgoingMessage<C>
  /** Left out where the adapter calls nobody. */
  provider?(): Promise<Provider>
  /** What no reason may show: address, credentials, content. */
  unspeakable: readonly string[]
}

/** An answer, or `rejected` where there was none. */
type Answer = DeliverResult['outcome'] | 'rejected'

const ALLOWED: Readonly<Record<Behaviour, readonly Answer[]>> = {
  accepts: ['accepted'],
  'refuses for good': ['permanent', 'bounced'],
  'refuses for now': ['temporary'],
  'says nothing': ['temporary', 'rejected'],
  'drips its answer': ['temporary', 'rejected'],
  'resets the connection': ['temporary', 'rejected'],
  'answers nonsense': ['temporary', 'rejected'],
  'answers ten megabytes': ['temporary', 'rejected'],
  'answers without end': ['temporary', 'rejected'],
  'refuses with all it was given': ['permanent', 'bounced'],
}

const reason = z.string().max(REASON_LENGTH).optional()
const legalResult = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('accepted'), providerMessageId: z.string().min(1).optional() }),
  z.strictObject({ outcome: z.literal('temporary'), reason, retryAfterMs: z.number().nonnegative().optional() }),
  z.strictObject({ outcome: z.literal('permanent'), reason }),
  z.strictObject({ outcome: z.literal('bounced'), reason }),
])

/** For a machine that is busy: a limit is kept when it is kept within this. */
const GRACE_MS = 1_500

/** Of an answer without end; most of it sits in the buffers of the system, which take up to 10 MB a connection. */
const MOST_BYTES = 32_000_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const memoryInUse = (): number => {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** The contract that each adapter keeps: of any kind, with any provider, in any mood. */
export const describeAdapter = <C>(kind: string, subject: AdapterUnderTest<C>): void => {
  describe(`${kind} as an adapter`, () => {
    const opened: (() => unknown)[] = []
    afterEach(async () => {
      for (const close of opened.splice(0).reverse()) await close()
    })

    const open = async (timeoutMs: number): Promise<{ adapter: Adapter<C>; provider: Provider | null }> => {
      const provider = (await subject.provider?.()) ?? null
      if (provider) opened.push(() => provider.close())
      const adapter = subject.make(timeoutMs, provider)
      opened.push(() => adapter.close?.())
      return { adapter, provider }
    }

    const deliver = async (
      adapter: Adapter<C>,
      message: OutgoingMessage<C>,
      signal: AbortSignal = new AbortController().signal,
    ): Promise<Answer> => {
      const limit = adapter.timeoutMs ?? DEFAULT_TIMEOUT_MS
      const started = performance.now()
      let said: string
      let answer: Answer
      try {
        const result = await adapter.deliver(message, signal)
        expect(legalResult.parse(result)).toEqual(result)
        answer = result.outcome
        said = result.outcome === 'accepted' ? '' : (result.reason ?? '')
      } catch (error) {
        answer = 'rejected'
        said = String(error)
      }
      expect(performance.now() - started).toBeLessThan(limit + GRACE_MS)
      for (const secret of subject.unspeakable) expect(said.toLowerCase()).not.toContain(secret.toLowerCase())
      return answer
    }

    test('it has a name, and accepts a message', async () => {
      const { adapter, provider } = await open(DEFAULT_TIMEOUT_MS)
      provider?.behave('accepts')
      expect(adapter.name).toMatch(/\S/)
      expect(await deliver(adapter, subject.message())).toBe('accepted')
    })

    if (!subject.provider) return
    const openWithProvider = async (timeoutMs: number): Promise<{ adapter: Adapter<C>; provider: Provider }> => {
      const { adapter, provider } = await open(timeoutMs)
      if (!provider) throw new Error('the subject has a provider')
      return { adapter, provider }
    }

    test('two tries give the provider the same idempotency key, and another delivery another', async () => {
      const { adapter, provider } = await openWithProvider(DEFAULT_TIMEOUT_MS)
      provider.behave('refuses for now')
      expect(await deliver(adapter, subject.message({ idempotencyKey: 'one', attemptId: 'a1' }))).toBe('temporary')
      provider.behave('accepts')
      const again = subject.message({ idempotencyKey: 'one', attemptId: 'a2', attemptNumber: 2 })
      expect(await deliver(adapter, again)).toBe('accepted')
      expect(await deliver(adapter, subject.message({ idempotencyKey: 'two' }))).toBe('accepted')
      if (!provider.keys) return
      const [first, second, third, ...others] = provider.keys
      expect(first).toMatch(/\S/)
      expect(second).toBe(first)
      expect(third).not.toBe(first)
      expect(others).toEqual([])
    })

    for (const [behaviour, allowed] of Object.entries(ALLOWED) as [Behaviour, readonly Answer[]][]) {
      test(`a provider that ${behaviour} is answered in time with ${allowed.join(' or ')}`, async () => {
        const { adapter, provider } = await openWithProvider(500)
        provider.behave(behaviour)
        for (const attemptNumber of [1, 2]) {
          expect(allowed).toContain(await deliver(adapter, subject.message({ attemptNumber })))
        }
        // It can be used again as if nothing had been.
        provider.behave('accepts')
        expect(await deliver(adapter, subject.message())).toBe('accepted')
      })
    }

    for (const behaviour of ['says nothing', 'drips its answer'] as const) {
      test(`an abort ends a call to a provider that ${behaviour} promptly`, async () => {
        const { adapter, provider } = await openWithProvider(60_000)
        provider.behave(behaviour)
        const abort = new AbortController()
        const answer = deliver(adapter, subject.message(), abort.signal)
        await provider.called()
        const aborted = performance.now()
        abort.abort()
        expect(['temporary', 'rejected']).toContain(await answer)
        expect(performance.now() - aborted).toBeLessThan(GRACE_MS)
      })
    }

    test('a call that was aborted before it began does not reach the provider', async () => {
      const { adapter, provider } = await openWithProvider(DEFAULT_TIMEOUT_MS)
      provider.behave('accepts')
      expect(['temporary', 'rejected']).toContain(await deliver(adapter, subject.message(), AbortSignal.abort()))
      expect(provider.keys ?? []).toEqual([])
    })

    test('an answer without end is cut off, long before the time limit would', async () => {
      const { adapter, provider } = await openWithProvider(10_000)
      provider.behave('answers without end')
      const started = performance.now()
      await deliver(adapter, subject.message())
      expect(performance.now() - started).toBeLessThan(5_000)
      expect(provider.sent()).toBeLessThan(MOST_BYTES)
    })

    test('answers of ten megabytes are not kept', async () => {
      const { adapter, provider } = await openWithProvider(2_000)
      provider.behave('answers ten megabytes')
      await deliver(adapter, subject.message())
      const before = memoryInUse()
      for (let call = 0; call < 10; call++) await deliver(adapter, subject.message())
      // Connections that were cut off take a moment to go, and hold what they hold until then.
      await expect.poll(() => memoryInUse() - before, { timeout: 4_000 }).toBeLessThan(15_000_000)
    })

    test('a provider that is not there is answered with temporary or not at all', async () => {
      const { adapter, provider } = await openWithProvider(500)
      await provider.close()
      expect(['temporary', 'rejected']).toContain(await deliver(adapter, subject.message()))
    })

    test('closing it twice, and delivering when it is closed, harms nothing', async () => {
      const { adapter, provider } = await openWithProvider(500)
      provider.behave('accepts')
      await deliver(adapter, subject.message())
      await adapter.close?.()
      await adapter.close?.()
      expect(['accepted', 'temporary', 'rejected']).toContain(await deliver(adapter, subject.message()))
    })
  })
}
