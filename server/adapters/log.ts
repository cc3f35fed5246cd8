import { type Logger, pino } from 'pino'
import type { Adapter } from './adapter.ts'

const stdout = pino({ level: 'info' })

export interface LogOptions {
  /** `log` by default. */
  name?: string
  /** Where the lines go; standard output by default, as JSON. */
  logger?: Pick<Logger, 'info'>
}

/**
 * Writes one line per message and sends nothing: for development, and as the last of a channel's adapters. The line
 * names the delivery and the recipient's id; never an address, never content.
 */
export const log = ({ name = 'log', logger = stdout }: LogOptions = {}): Adapter => ({
  name,
  async deliver({ channel, notificationKey, deliveryId, attemptNumber, recipient }) {
    logger.info(
      { adapter: name, channel, notificationKey, deliveryId, attemptNumber, recipientId: recipient.id },
      'notification logged instead of sent',
    )
    return { outcome: 'accepted' }
  },
})
