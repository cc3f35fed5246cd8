import type { Pool } from 'pg'
import postgres from 'postgres'
import type { Telemetry } from '../telemetry.ts'
import type { Bus } from './bus.ts'
import { openCarriedBus } from './carried-bus.ts'

const CHANNEL = 'carillon'
/** PostgreSQL refuses a payload of 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_500

/**
 * Between processes, over LISTEN and NOTIFY. Listens on a connection of its own, which comes back by itself. Sends
 * outside of any transaction, several at once: a notification within one serialises commits.
 */
export const openPostgresBus = ({
  url,
  pool,
  telemetry,
}: {
  readonly url: string
  readonly pool: Pool
  readonly telemetry: Telemetry
}): Promise<Bus> =>
  openCarriedBus(telemetry, async ({ heard, listening }) => {
    const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { application_name: 'carillon bus' } })
    try {
      await sql.listen(CHANNEL, heard, listening)
    } catch (error) {
      // It would go on trying for ever, and keep the process alive.
      await sql.end({ timeout: 0 })
      throw error
    }
    return {
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      async send(payloads) {
        await pool.query({
          text: `select pg_notify('${CHANNEL}', payload) from unnest($1::text[]) as payload`,
          values: [payloads],
        })
      },
      close: () => sql.end({ timeout: 1 }),
    }
  })
