import { z } from 'zod'
import type { CarillonClient } from '../../client-sdk/index.ts'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'

/** A service with one notifier for a front end, and one that sends mail too. */
export const config = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'count.reached',
      version: 1,
      category: 'counts',
      payload: z.object({ count: z.number() }),
      channels: ['in_app'],
      render: {
        in_app: ({ payload }) => ({
          title: `${payload.count}`,
          data: { count: payload.count },
          primaryAction: { label: 'Open', url: `https://example.test/${payload.count}` },
        }),
      },
    }),
    defineNotifier({
      key: 'comment.mentioned',
      version: 3,
      category: 'comments',
      payload: z.object({ author: z.string() }),
      channels: ['in_app', 'email'],
      render: {
        in_app: ({ payload }) => ({ title: `${payload.author} mentioned you` }),
        email: ({ payload }) => ({ subject: 'Mention', html: `<p>${payload.author}</p>`, text: payload.author }),
      },
    }),
  ],
  adapters: { email: memory() },
})

/** Tells a recipient the counts from `from` up to and without `to`, in batches of 100, each after the one before. */
export const countUp = async (
  backend: CarillonClient,
  { recipientId, from = 0, to }: { readonly recipientId: string; readonly from?: number; readonly to: number },
): Promise<void> => {
  for (let start = from; start < to; start += 100) {
    const counts = Array.from({ length: Math.min(100, to - start) }, (_, index) => start + index)
    const { results } = await backend.triggerBatch({
      triggers: counts.map((count) => ({
        notificationKey: 'count.reached',
        idempotencyKey: `${recipientId} ${count}`,
        payload: { count },
        recipients: [{ id: recipientId }],
      })),
    })
    const failed = results.find(({ error }) => error !== null)
    if (failed) throw new Error(`a trigger was refused: ${failed.error?.message}`)
  }
}
