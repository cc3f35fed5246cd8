import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { databaseFailure } from '../db/errors.ts'
import { answerHealth } from '../http/health.ts'

/** Where the service will listen; until then it is live there, and not ready. */
export interface Door {
  readonly host: string
  readonly port: number
}

const ASK_EVERY_MS = 1_000
const CONNECT_MS = 2_000
/** How often it says that it is waiting still. */
const SAY_EVERY_MS = 30_000

const isAway = (error: unknown): boolean =>
  databaseFailure(error) === 'unavailable' || databaseFailure((error as Error | undefined)?.cause) === 'unavailable'

/** Whether what is at that address may be worked with: what is wrong with it beyond that, the work itself will tell. */
const answers = async (databaseUrl: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_MS })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby')
    return rows[0]?.standby === false
  } catch (error) {
    return !isAway(error)
  } finally {
    void client.end().catch(() => {})
  }
}

/** Answers health, and everything else with 503, until it is closed. Where the door cannot be opened there is none. */
const openWaitingRoom = ({ host, port }: Door) => {
  const server = createServer((request, response) => {
    if (answerHealth({ isReady: () => false }, request, response)) return
    const body = { errors: [{ message: 'The database is away; try again', extensions: { code: 'UNAVAILABLE' } }] }
    response.writeHead(503, { 'content-type': 'application/json; charset=utf-8', 'retry-after': '1' })
    response.end(JSON.stringify(body))
  })
  server.on('error', () => {})
  server.listen(port, host)
  return () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
}

/**
 * Does what needs the database, again and again while that is away: a process that is started before its database, or
 * while it fails over, waits for it. Anything else that fails is thrown.
 */
export const untilDatabaseAnswers = async <T>(
  work: () => Promise<T>,
  {
    databaseUrl,
    doors,
    logger,
  }: { readonly databaseUrl: string; readonly doors: readonly Door[]; readonly logger: Pick<Logger, 'warn'> },
): Promise<T> => {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isAway(error)) throw error
      const say = () => logger.warn(`${(error as Error).message}. Waiting for it; live meanwhile, and not ready`)
      say()
      const saying = setInterval(say, SAY_EVERY_MS)
      const rooms = doors.map(openWaitingRoom)
      // Nothing has been begun that would have to be finished; as the first process of a container nobody else ends it.
      const leave = (): never => process.exit(0)
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave)
      // Not at once, even where it answers: it may have no connection left, or be a standby still.
      do await delay(ASK_EVERY_MS)
      while (!(await answers(databaseUrl)))
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, leave)
      clearInterval(saying)
      await Promise.all(rooms.map((close) => close()))
    }
  }
}
