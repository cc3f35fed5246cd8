import type { Pool } from 'pg'
import { type Lifeline, openLifeline } from '../db/lifeline.ts'
import type { Telemetry } from '../telemetry.ts'
import type { Bus } from './bus.ts'
import { openCarriedBus } from './carried-bus.ts'

const CHANNEL = 'carillon'
/** PostgreSQL refuses a payload of 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_500

/**
 * Between processes, over LISTEN and NOTIFY. Listens on a connection of its own, which is asked whether it still stands
 * and comes back by itself. Sends outside of any transaction, several at once: a notification within one serialises
 * commits.
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
  openCarriedBus(telemetry, async ({ heard, listening, lost }) => {
    const lifeline = await new Promise<Lifeline>((resolve, reject) => {
      let begun = false
      const opened = openLifeline({
        url,
        name: 'carillon bus',
        async prepare(client) {
          client.on('notification', ({ payload }) => heard(payload ?? ''))
          await client.query(`listen ${CHANNEL}`)
          listening()
        },
        onState(state, error) {
          if (state === 'gone' || state === 'crowded') lost(error as Error)
          if (begun) return
          begun = true
          // Whoever opens it is told at once where it cannot listen.
          if (state === 'alive') resolve(opened)
          else void opened.close().then(() => reject(error))
        },
      })
    })
    return {
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      async send(payloads) {
        await pool.query({
          text: `select pg_notify('${CHANNEL}', payload) from unnest($1::text[]) as payload`,
          values: [payloads],
        })
      },
      close: () => lifeline.close(),
    }
  })
