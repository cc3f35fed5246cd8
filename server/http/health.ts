import type { Database } from '../db/client.ts'

/** Whether requests can be answered: the database answers, quickly. */
export const isReady = async ({ system }: Pick<Database, 'system'>): Promise<boolean> => {
  try {
    await system.query({ text: 'select 1', query_timeout: 2_000 } as { text: string })
    return true
  } catch {
    return false
  }
}
