import type { Redis as Connection, RedisOptions } from 'ioredis'
import type { Pool } from 'pg'
import { SetupError } from '../errors.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Bus } from './bus.ts'
import { openCarriedBus } from './carried-bus.ts'

/** Redis itself takes more by far; a hint is no place for it. */
const MAX_PAYLOAD_BYTES = 64 * 1024
const LONGEST_PAUSE_MS = 2_000

const CONNECTION: RedisOptions = {
  lazyConnect: true,
  connectTimeout: 5_000,
  keepAlive: 10_000,
  // A hint that cannot leave now is not worth leaving later.
  enableOfflineQueue: false,
  // It subscribes again by hand, so that there is a moment at which it listens again.
  autoResubscribe: false,
  retryStrategy: (times) => Math.min(times * 50, LONGEST_PAUSE_MS),
}

/** Without the password. */
const shown = (url: string): string => {
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}

const loadClient = async (): Promise<typeof Connection> => {
  try {
    return (await import('ioredis')).Redis
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new SetupError('CARILLON_REDIS_URL needs the package ioredis: npm install ioredis@5')
  }
}

/** One for each database, so that services that share a Redis do not hear each other's hints. */
const channelOf = async (pool: Pool): Promise<string> => {
  const { rows } = await pool.query<{ name: string }>(
    'select system_identifier::text || $1 || current_database() as name from pg_control_system()',
    ['/'],
  )
  return `carillon:${rows[0]?.name}`
}

/**
 * Between processes, over Redis's PUBLISH and SUBSCRIBE: for many processes, where each notification would cost the
 * database. It holds hints alone, and may be lost or emptied at any time; while it is away, updates come with the sweep.
 */
export const openRedisBus = async ({
  url,
  pool,
  telemetry,
}: {
  /** `redis://` or `rediss://`, with whatever credentials it needs. */
  readonly url: string
  /** Tells which database the hints are about. */
  readonly pool: Pool
  readonly telemetry: Telemetry
}): Promise<Bus> => {
  const Redis = await loadClient()
  const channel = await channelOf(pool)
  return openCarriedBus(telemetry, async ({ heard, listening, lost }) => {
    const publisher = new Redis(url, { ...CONNECTION, connectionName: 'carillon bus' })
    const subscriber = new Redis(url, { ...CONNECTION, connectionName: 'carillon bus' })
    const failed = (error: Error) => telemetry.emit('bus.failed', { error })
    try {
      for (const connection of [publisher, subscriber]) {
        // Heard of by what `connect` answers.
        connection.on('error', () => {})
        await connection.connect()
      }
      await subscriber.subscribe(channel)
    } catch (error) {
      publisher.disconnect()
      subscriber.disconnect()
      const problem = (error as Error).message
      throw new SetupError(`Redis at ${shown(url)} cannot be used: ${problem}. Check CARILLON_REDIS_URL.`)
    }
    for (const connection of [publisher, subscriber]) connection.removeAllListeners('error').on('error', failed)
    subscriber.on('message', (_, payload) => heard(payload))
    listening()
    subscriber.on('close', () => lost(new Error('the connection to Redis ended')))
    subscriber.on('ready', () => void subscriber.subscribe(channel).then(listening, failed))
    return {
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      async send(payloads) {
        await Promise.all(payloads.map((payload) => publisher.publish(channel, payload)))
      },
      async close() {
        publisher.disconnect()
        subscriber.disconnect()
      },
    }
  })
}
