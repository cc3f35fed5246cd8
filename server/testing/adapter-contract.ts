import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { z } from 'zod'
import type { Adapter, DeliverResult, OutgoingMessage } from '../adapters/adapter.ts'
import { DEFAULT_TIMEOUT_MS } from '../adapters/deadline.ts'
import { REASON_LENGTH } from '../core/provider-reason.ts'
import type { Behaviour, Provider } from './provider.ts'

export interface AdapterContractOptions<C, P extends Provider = Provider> {
  /** An adapter that calls `provider`. Whoever has a time limit of its own to set takes `timeoutMs`. */
  makeAdapter(given: { readonly timeoutMs: number; readonly provider: P }): Adapter<C>
  /** A message with content of the adapter's channel, such as `sampleMessage({ text: 'hello' }, changes)`. */
  message(changes: Partial<OutgoingMessage<C>>, provider: P): OutgoingMessage<C>
  /** Opened for each case, and closed after it. Left out where the adapter calls nobody: most cases are left out with it. */
  provider?(): Promise<P>
  /** What no reason may show: the message's address and content, the adapter's credentials. */
  unspeakable?: readonly string[]
}

/** One promise that every adapter keeps. `run` rejects, saying what the adapter did, where it does not. */
export interface ContractCase {
  readonly name: string
  run(): Promise<void>
}

/** An adapter broke its contract: the message says how. */
export class AdapterContractError extends Error {
  override readonly name = 'AdapterContractError'
}

/** An answer, or `rejected` where there was none. */
type Answer = DeliverResult['outcome'] | 'rejected'

/** What `deliver` did: its answer, and in which words. */
interface Said {
  readonly answer: Answer
  readonly words: string
}

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
/** Ten answers of ten megabytes, of which hardly anything may be left. */
const MOST_KEPT_BYTES = 15_000_000

const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
const memoryInUse = (): number => {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const shown = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

const oneOf = (answers: readonly Answer[]): string => answers.join(' or ')

/**
 * The contract that the server expects of every adapter, as cases for any test runner, or none: each `run` resolves, or
 * rejects with what the adapter did wrong. As the server does, each call is given a signal that is aborted when its
 * time is over; whoever heeds that needs no time limit of its own. The cases may be run in any order, one at a time.
 */
export const adapterContract = <C, P extends Provider = Provider>(
  options: AdapterContractOptions<C, P>,
): readonly ContractCase[] => {
  const { makeAdapter, unspeakable = [] } = options

  /** One case's adapter and its provider. */
  const withAdapter = async (
    timeoutMs: number,
    body: (subject: ReturnType<typeof subjectOf>, provider: P) => Promise<void>,
  ): Promise<void> => {
    // Without a provider there is none to be given, and nobody looks at it.
    const provider = (await options.provider?.()) as P
    try {
      const adapter = makeAdapter({ timeoutMs, provider })
      try {
        await body(subjectOf(adapter, timeoutMs, provider), provider)
      } finally {
        await adapter.close?.()
      }
    } finally {
      await provider?.close()
    }
  }

  const subjectOf = (adapter: Adapter<C>, timeoutMs: number, provider: P) => {
    const broke = (what: string): AdapterContractError =>
      new AdapterContractError(`the adapter ${shown(adapter.name)} ${what}`)

    const check = (said: string): void => {
      const quoted = unspeakable.find((secret) => said.toLowerCase().includes(secret.toLowerCase()))
      if (quoted !== undefined) throw broke(`shows ${shown(quoted)} in what it says: ${shown(said)}`)
    }

    const understand = (result: DeliverResult): Said => {
      const { success, error } = legalResult.safeParse(result)
      if (!success) {
        const [issue] = error.issues
        const at = issue?.path.length ? `${issue.path.join('.')}: ` : ''
        throw broke(
          `answered ${shown(result)}, which is no answer: { outcome } of accepted, temporary, permanent or bounced is (${at}${issue?.message})`,
        )
      }
      return {
        answer: result.outcome,
        words: result.outcome === 'accepted' ? 'accepted' : `${result.outcome} (${result.reason ?? 'no reason'})`,
      }
    }

    /** Calls it as the server does. `ending` ends the call before its time is over. */
    const deliver = async (changes: Partial<OutgoingMessage<C>>, ending?: AbortSignal): Promise<Said> => {
      const ended = new AbortController()
      const timers: NodeJS.Timeout[] = []
      const after = (ms: number, work: () => void) => void timers.push(setTimeout(work, ms))
      let overdue: (error: Error) => void = () => {}
      const hung = new Promise<never>((_, reject) => {
        overdue = reject
      })
      const end = (): void => {
        ended.abort()
        after(GRACE_MS, () => overdue(broke(`was still at it ${GRACE_MS} ms after its signal had been aborted`)))
      }
      if (ending?.aborted) end()
      else ending?.addEventListener('abort', end, { once: true })
      after(timeoutMs, end)
      try {
        const message = options.message(changes, provider)
        // Also where it throws before it gives a promise.
        const call = Promise.resolve().then(() => adapter.deliver(message, ended.signal))
        const said = await Promise.race([
          call.then(understand, (error: unknown): Said => ({ answer: 'rejected', words: `rejected with ${error}` })),
          hung,
        ])
        check(said.words)
        return said
      } finally {
        for (const timer of timers) clearTimeout(timer)
        ending?.removeEventListener('abort', end)
      }
    }

    return {
      adapter,
      broke,
      deliver,
      /** Delivers, and wants one of these answers. `when` says what the provider did. */
      async answers(
        allowed: readonly Answer[],
        when: string,
        changes: Partial<OutgoingMessage<C>> = {},
        ending?: AbortSignal,
      ): Promise<void> {
        const { answer, words } = await deliver(changes, ending)
        if (!allowed.includes(answer)) throw broke(`${words}, and not ${oneOf(allowed)}, ${when}`)
      },
    }
  }

  const cases: ContractCase[] = [
    {
      name: 'it has a name, and accepts a message',
      run: () =>
        withAdapter(DEFAULT_TIMEOUT_MS, async ({ adapter, broke, answers }, provider) => {
          if (typeof adapter.name !== 'string' || adapter.name.trim() === '') throw broke('has no name')
          provider?.behave('accepts')
          await answers(['accepted'], 'when its provider accepted')
        }),
    },
    {
      name: 'closing it twice, and delivering when it is closed, harms nothing',
      run: () =>
        withAdapter(500, async ({ adapter, answers }, provider) => {
          provider?.behave('accepts')
          await answers(['accepted'], 'when its provider accepted')
          await adapter.close?.()
          await adapter.close?.()
          await answers(['accepted', 'temporary', 'rejected'], 'when it had been closed')
        }),
    },
  ]
  if (!options.provider) return cases

  cases.push({
    name: 'two tries give the provider the same idempotency key, and another delivery another',
    run: () =>
      withAdapter(DEFAULT_TIMEOUT_MS, async ({ broke, answers }, provider) => {
        provider.behave('refuses for now')
        const first = { idempotencyKey: 'one', attemptId: 'a1' }
        await answers(['temporary'], 'when its provider refused for now', first)
        provider.behave('accepts')
        const second = { idempotencyKey: 'one', attemptId: 'a2', attemptNumber: 2 }
        await answers(['accepted'], 'on the second try, when its provider accepted', second)
        await answers(['accepted'], 'when its provider accepted another delivery', { idempotencyKey: 'two' })
        const { keys } = provider
        if (!keys) return
        const [one = '', again, other] = keys
        const given = `the keys were ${shown(keys)}`
        if (keys.length !== 3) throw broke(`called its provider ${keys.length} times for three messages; ${given}`)
        if (one.trim() === '') throw broke(`gave its provider no idempotency key; ${given}`)
        if (again !== one) throw broke(`gave its provider another idempotency key on the second try; ${given}`)
        if (other === one) throw broke(`gave its provider the same idempotency key for another delivery; ${given}`)
      }),
  })

  for (const [behaviour, allowed] of Object.entries(ALLOWED) as [Behaviour, readonly Answer[]][]) {
    cases.push({
      name: `a provider that ${behaviour} is answered in time with ${oneOf(allowed)}`,
      run: () =>
        withAdapter(500, async ({ answers }, provider) => {
          provider.behave(behaviour)
          for (const attemptNumber of [1, 2]) {
            await answers(allowed, `on try ${attemptNumber} to a provider that ${behaviour}`, { attemptNumber })
          }
          // It can be used again as if nothing had been.
          provider.behave('accepts')
          await answers(['accepted'], `when its provider accepted after it had been one that ${behaviour}`)
        }),
    })
  }

  for (const behaviour of ['says nothing', 'drips its answer'] as const) {
    cases.push({
      name: `an abort ends a call to a provider that ${behaviour} promptly`,
      run: () =>
        withAdapter(60_000, async ({ answers }, provider) => {
          provider.behave(behaviour)
          const abort = new AbortController()
          const when = `when its call to a provider that ${behaviour} was aborted`
          const answered = answers(['temporary', 'rejected'], when, {}, abort.signal)
          // An adapter that answers before it has called is told of by its answer.
          await Promise.race([provider.called(), answered])
          abort.abort()
          await answered
        }),
    })
  }

  cases.push(
    {
      name: 'a call that was aborted before it began does not reach the provider',
      run: () =>
        withAdapter(DEFAULT_TIMEOUT_MS, async ({ broke, answers }, provider) => {
          provider.behave('accepts')
          await answers(['temporary', 'rejected'], 'when its call was aborted before it began', {}, AbortSignal.abort())
          if (provider.keys?.length) throw broke('called its provider although its signal was aborted already')
        }),
    },
    {
      name: 'an answer without end is cut off, long before the time limit would',
      run: () =>
        withAdapter(10_000, async ({ broke, deliver }, provider) => {
          provider.behave('answers without end')
          const started = performance.now()
          await deliver({})
          const took = performance.now() - started
          if (took > 5_000) throw broke(`read an answer without end for ${Math.round(took)} ms`)
          if (provider.sent() > MOST_BYTES) throw broke(`read ${provider.sent()} bytes of an answer without end`)
        }),
    },
    {
      name: 'answers of ten megabytes are not kept',
      run: () =>
        withAdapter(2_000, async ({ broke, deliver }, provider) => {
          provider.behave('answers ten megabytes')
          await deliver({})
          const before = memoryInUse()
          for (let call = 0; call < 10; call++) await deliver({})
          // Connections that were cut off take a moment to go, and hold what they hold until then.
          const patience = performance.now() + 4_000
          for (;;) {
            const kept = memoryInUse() - before
            if (kept < MOST_KEPT_BYTES) return
            if (performance.now() > patience) throw broke(`keeps ${kept} bytes of ten answers of ten megabytes`)
            await new Promise((resolve) => setTimeout(resolve, 50))
          }
        }),
    },
    {
      name: 'a provider that is not there is answered with temporary or not at all',
      run: () =>
        withAdapter(500, async ({ answers }, provider) => {
          await provider.close()
          await answers(['temporary', 'rejected'], 'when its provider was not there')
        }),
    },
  )
  return cases
}
