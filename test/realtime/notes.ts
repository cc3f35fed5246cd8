import { z } from 'zod'
import { defineConfig, defineNotifier } from '../../server/index.ts'
import type { TestCarillon } from '../support/carillon.ts'

/** One notifier that speaks to the inbox alone. */
export const notesConfig = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'note',
      version: 1,
      payload: z.object({ text: z.string() }),
      channels: ['in_app'],
      render: { in_app: ({ payload }) => ({ title: payload.text }) },
    }),
  ],
})

let count = 0

/** Notes to these recipients, in this order; resolves when all are committed. */
export const sendNotes = async (
  { app, tenantId }: Pick<TestCarillon, 'app' | 'tenantId'>,
  recipientIds: readonly string[],
): Promise<void> => {
  const notes = recipientIds.map((id) => {
    count += 1
    return {
      notificationKey: 'note',
      idempotencyKey: `note-${count}`,
      payload: { text: `note ${count}` },
      recipients: [{ id }],
    }
  })
  await Promise.all(notes.map((request) => app.trigger({ tenantId, request, path: ['input'] })))
}

/** The same recipient so many times. */
export const times = (recipientId: string, howOften: number): string[] => Array(howOften).fill(recipientId)
