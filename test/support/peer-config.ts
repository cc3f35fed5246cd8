import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { type Adapter, type CarillonConfig, defineConfig, defineNotifier, webhook } from '../../server/index.ts'
import { createRandom } from './random.ts'

/** What a peer's pager does: calls a provider of the test's, or plays one itself. */
export type PeerPager =
  | { readonly kind: 'webhook'; readonly url: string; readonly timeoutMs: number }
  /** Tells the provider which attempt it is; 5xx is temporary. */
  | { readonly kind: 'attempts'; readonly url: string }
  /** Accepts; and says `temporary` and `permanent` with these probabilities, after at most so many milliseconds. */
  | { readonly kind: 'played'; readonly temporary: number; readonly permanent: number; readonly withinMs: number }

export const PEER_WEBHOOK_SECRET = `whsec_${Buffer.from('a secret of the fault tests').toString('base64')}`

const played = ({ temporary, permanent, withinMs }: PeerPager & { kind: 'played' }): Adapter => {
  const random = createRandom(process.pid)
  return {
    name: 'played',
    retry: { attempts: 4, firstDelay: '0.05s', maxDelay: '0.2s' },
    timeoutMs: 5_000,
    async deliver() {
      await delay(random.below(withinMs))
      if (random.chance(temporary)) return { outcome: 'temporary', reason: 'busy' }
      if (random.chance(permanent)) return { outcome: 'permanent', reason: 'no' }
      return { outcome: 'accepted' }
    },
  }
}

/** What a provider of the test's is told with each call. */
export interface PagedAttempt {
  readonly deliveryId: string
  readonly attemptId: string
  readonly attemptNumber: number
  readonly idempotencyKey: string
}

const attempts = ({ url }: PeerPager & { kind: 'attempts' }): Adapter => ({
  name: 'attempts',
  retry: { attempts: 20, firstDelay: '0.2s', maxDelay: '1s' },
  timeoutMs: 20_000,
  async deliver({ deliveryId, attemptId, attemptNumber, idempotencyKey }, signal) {
    const body = JSON.stringify({ deliveryId, attemptId, attemptNumber, idempotencyKey } satisfies PagedAttempt)
    const answer = await fetch(url, { method: 'POST', body, signal })
    await answer.body?.cancel()
    return answer.ok ? { outcome: 'accepted' } : { outcome: 'temporary', reason: `HTTP ${answer.status}` }
  },
})

const pagerOf = (pager: PeerPager): Adapter =>
  pager.kind === 'played'
    ? played(pager)
    : pager.kind === 'attempts'
      ? attempts(pager)
      : {
          ...webhook({
            url: pager.url,
            secret: PEER_WEBHOOK_SECRET,
            allowPrivateAddresses: true,
            timeoutMs: pager.timeoutMs,
          }),
          retry: { attempts: 20, firstDelay: '0.2s', maxDelay: '1s' },
        }

/** The ids a broadcast goes to. */
export const audienceOf = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `listener-${String(index).padStart(6, '0')}`)

/** The configuration that every process of a fault test runs with. */
export const peerConfig = ({
  pager,
  leaseFor,
  concurrency,
}: {
  readonly pager: PeerPager
  readonly leaseFor: `${number}s`
  readonly concurrency?: number
}): CarillonConfig =>
  defineConfig({
    notifiers: [
      defineNotifier({
        key: 'order.placed',
        version: 1,
        payload: z.object({ n: z.number() }),
        channels: ['in_app', 'pager'],
        render: {
          in_app: ({ payload }) => ({ title: `order ${payload.n}` }),
          pager: ({ payload }) => ({ text: `order ${payload.n}` }),
        },
      }),
      defineNotifier({
        key: 'note',
        version: 1,
        category: 'notes',
        payload: z.object({ n: z.number() }),
        channels: ['in_app'],
        render: { in_app: ({ payload }) => ({ title: `note ${payload.n}` }) },
      }),
      defineNotifier({
        key: 'page',
        version: 1,
        payload: z.object({ n: z.number() }),
        channels: ['pager'],
        render: { pager: ({ payload }) => ({ text: `page ${payload.n}` }) },
      }),
      defineNotifier({
        key: 'journey',
        version: 1,
        payload: z.object({ n: z.number() }),
        channels: ['in_app', 'pager'],
        render: {
          in_app: ({ payload }) => ({ title: `journey ${payload.n}` }),
          pager: ({ payload }) => ({ text: `journey ${payload.n}` }),
        },
        workflow: {
          key: 'journey',
          version: 1,
          steps: [
            {
              key: 'tell',
              channel: 'in_app',
              next: [{ wait: '2s', signals: ['done', 'notification.read'], onSignal: 'thank', onTimeout: 'call' }],
            },
            {
              key: 'call',
              channel: 'pager',
              next: [{ on: ['permanent_failure', 'retries_exhausted'], to: 'tell_again' }],
            },
            { key: 'tell_again', channel: 'in_app' },
            { key: 'thank', channel: 'in_app' },
          ],
        },
      }),
      defineNotifier({
        key: 'remark',
        version: 1,
        payload: z.object({ n: z.number() }),
        channels: ['in_app', 'pager'],
        render: {
          in_app: ({ payload }) => ({ title: `remark ${payload.n}` }),
          pager: ({ payload }) => ({ n: payload.n }),
        },
        digest: { pager: {} },
        renderDigest: { pager: ({ items }) => ({ ns: items.map(({ payload }) => payload.n) }) },
      }),
      defineNotifier({
        key: 'broadcast',
        version: 1,
        payload: z.object({ count: z.number() }),
        recipients: ({ payload }) => audienceOf(payload.count).map((id) => ({ id })),
        channels: ['in_app'],
        render: { in_app: ({ payload }) => ({ title: `to all ${payload.count}` }) },
      }),
    ],
    adapters: { pager: pagerOf(pager) },
    // Closed by hand, or for being full.
    digestRules: [
      {
        key: 'remarks',
        version: 1,
        channel: 'pager',
        matchNotificationKey: 'remark',
        groupBy: 'notification_key',
        window: { kind: 'sliding', minutes: 1_440, maxMinutes: 1_440 },
        maxItems: 9,
        excludeRead: true,
      },
    ],
    defaults: { leaseFor, ...(concurrency && { concurrencyPerAdapter: concurrency }) },
  })
