import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.ts'

/** A Redis of a test's own, on the loopback. */
export interface TestRedis {
  readonly url: string
  readonly port: number
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Starts it again where it was. */
  start(): Promise<void>
  close(): Promise<void>
}

const isThere = (): boolean => spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0

/** Debian's package is the only way by which it comes here: asked for once, where that is allowed. */
const fetchIt = (): void => {
  if (process.getuid?.() !== 0) return
  const options = { stdio: 'ignore', timeout: 120_000 } as const
  const install = () => spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], options)
  if (install().status === 0) return
  spawnSync('apt-get', ['update'], options)
  install()
}

let reason: string | null | undefined

/** Why there can be no Redis on this machine; `null` where there can. */
export const whyNoRedis = (): string | null => {
  if (reason === undefined) {
    if (!isThere()) fetchIt()
    reason = isThere()
      ? null
      : 'redis-server is not on the PATH, and apt-get cannot install it: the Redis bus is NOT tested'
  }
  return reason
}

const freePort = async (): Promise<number> => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    // It accepts before it is ready to answer.
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', (data) => {
      resolve(String(data).startsWith('+PONG'))
      socket.destroy()
    })
  })

export const startRedis = async (): Promise<TestRedis> => {
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'carillon-redis-'))
  const run = () =>
    spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', dir], { stdio: 'ignore' })
  let server: ReturnType<typeof run> | null = null
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    port,
    async start() {
      server = run()
      await until('redis answers', () => accepts(port))
    },
    async kill() {
      const ending = server
      server = null
      if (!ending || ending.exitCode !== null) return
      ending.kill('SIGKILL')
      await once(ending, 'exit')
    },
    async close() {
      await redis.kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
  await redis.start()
  return redis
}
