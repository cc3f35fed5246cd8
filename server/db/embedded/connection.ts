import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { NAME } from './cluster.ts'

export const HOST = '127.0.0.1'

/** A port that is free now: the preferred one where it is, else any. */
export const freePort = (preferred: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => {
      if (preferred === 0) reject(error)
      else resolve(freePort(0))
    })
    server.listen(preferred, HOST, () => {
      const address = server.address()
      server.close(() => resolve(address && typeof address === 'object' ? address.port : 0))
    })
  })

export interface Credentials {
  readonly port: number
  readonly password: string
}

const inDatabase = async (
  database: string,
  { port, password }: Credentials,
  work: (client: Client) => Promise<unknown>,
): Promise<void> => {
  // What is not given would be taken from PG* variables of the shell.
  const client = new Client({
    host: HOST,
    port,
    user: NAME,
    password,
    database,
    ssl: false,
    connectionTimeoutMillis: 10_000,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Refused, reset, or answered with "cannot connect now": Postgres is on its way. */
const ON_ITS_WAY = ['ECONNREFUSED', 'ECONNRESET', '57P03']

/**
 * Connects until Postgres answers, and makes the service's database where it is missing. Gives up, with the last
 * error, once `isOver` says that Postgres has ended.
 */
export const untilReady = async (credentials: Credentials, isOver: () => boolean): Promise<void> => {
  for (let wait = 5; ; wait = Math.min(wait * 1.5, 100)) {
    try {
      return await inDatabase(NAME, credentials, async () => undefined)
    } catch (error) {
      const { code = '' } = error as { code?: string }
      if (code === '3D000')
        await inDatabase('postgres', credentials, (client) =>
          client.query(`create database ${NAME} template template0`),
        )
      else if (isOver() || !ON_ITS_WAY.includes(code)) throw error
      else await pause(wait)
    }
  }
}
