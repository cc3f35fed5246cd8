import { type ChildProcess, spawn } from 'node:child_process'
import { chown, copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { INSTALL, plainEnvironment, runIn } from '../support/npm.ts'

/** Somebody who has a new directory, the name of a package, and half an hour. */
export interface ScratchUser {
  /** An empty directory, the user's own. */
  readonly folder: string
  /** What is installed: a tarball's path, or `carillon@1.2.3`. */
  readonly spec: string
  /** How npm and npx are called; the ones of this machine by default. */
  readonly npm?: readonly [string, ...string[]]
  readonly npx?: readonly [string, ...string[]]
  /** The account that does it all, such as 65534; this process's own by default. */
  readonly uid?: number
  /** Told of each step when it is done, with how long it took. */
  readonly onStep?: (step: string, ms: number) => void
}

/** What the user's own program saw of one order. */
export interface Seen {
  /** Titles in the inbox before the order was triggered. */
  readonly before: readonly string[]
  /** Titles that came over the subscription. */
  readonly live: readonly string[]
  /** The explanation of the e-mail's delivery, in a sentence. */
  readonly summary: string
  readonly decisions: number
}

/** What came of it all. */
export interface ScratchReport {
  readonly first: Seen
  /** After a stop and a new start, with another order. */
  readonly second: Seen
  /** Processes that are still about, by their command lines. */
  readonly leftovers: readonly string[]
}

const CONFIG = `import { defineConfig, defineNotifier, log } from 'carillon'
import { z } from 'zod'

const orderShipped = defineNotifier({
  key: 'order.shipped',
  version: 1,
  payload: z.object({ order: z.string() }),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload }) => ({ title: \`Order \${payload.order} is on its way\` }),
    email: ({ payload }) => ({ subject: 'On its way', text: payload.order, html: payload.order }),
  },
})

export default defineConfig({ notifiers: [orderShipped], adapters: { email: log() } })
`

/** A start takes its time on a machine that is busy, and copies the programs of PostgreSQL where it must. */
const READY_WITHIN_MS = 120_000

/** `npx carillon dev`, in a process group of its own as a terminal gives it. */
interface Development {
  /** What Ctrl-C does: every process of the group hears it. Rejects where the stop was not clean. */
  interrupt(): Promise<void>
}

const startDevelopment = async (
  command: readonly [string, ...string[]],
  folder: string,
  account: { uid?: number },
  env: NodeJS.ProcessEnv,
): Promise<Development> => {
  const [file, ...args] = [...command, 'carillon', 'dev'] as [string, ...string[]]
  const child: ChildProcess = spawn(file, args, {
    cwd: folder,
    env: plainEnvironment({ ...env, PORT: '0' }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(account.uid !== undefined && { uid: account.uid, gid: account.uid }),
  })
  const tell = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-(child.pid as number), signal)
    } catch {
      // It has ended by itself.
    }
  }
  let output = ''
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const ready = new Promise<boolean>((resolve) => {
    const hear = (chunk: Buffer): void => {
      output += chunk
      if (output.includes('Ctrl-C stops it')) resolve(true)
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('error', () => resolve(false))
    void ended.then(() => resolve(false))
    setTimeout(() => resolve(false), READY_WITHIN_MS).unref()
  })
  if (!(await ready)) {
    tell('SIGKILL')
    throw new Error(`npx carillon dev was not ready:\n${output}`)
  }
  return {
    async interrupt() {
      tell('SIGINT')
      await ended
      if (!output.includes('Stopped.') || output.includes('connection died')) {
        throw new Error(`It did not stop in order:\n${output}`)
      }
    },
  }
}

/** Where the database of a project is, if not in the project: root may keep it where PostgreSQL's account can go. */
export const databaseFolder = async (folder: string): Promise<string> => {
  const pointer = join(folder, '.carillon', 'postgres-is-elsewhere.txt')
  const text = await readFile(pointer, 'utf8').catch(() => '')
  return text.split('\n').find((line) => line.startsWith('/')) ?? join(folder, '.carillon')
}

/** The command lines of processes that name one of the folders. */
const processesOf = async (folders: readonly string[]): Promise<string[]> => {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.map((line) => line.replaceAll('\0', ' ')).filter((line) => folders.some((one) => line.includes(one)))
}

/** The last of them may be on its way out: npm ends after what it has started. */
const leftoversOf = async (folders: readonly string[]): Promise<string[]> => {
  for (let tries = 100; ; tries -= 1) {
    const found = await processesOf(folders)
    if (found.length === 0 || tries === 0) return found
    await pause(50)
  }
}

/**
 * Does what a new user does: makes a project, installs the package, writes a configuration, starts it, triggers, watches
 * an inbox, explains a delivery, stops with Ctrl-C, and does it once more on the data that is there.
 */
export const followScratchUser = async (user: ScratchUser): Promise<ScratchReport> => {
  const { folder, spec, npm = ['npm'], npx = ['npx'], onStep = () => undefined } = user
  const account = user.uid === undefined ? {} : { uid: user.uid }
  // Another account may not use this one's home, nor its cache of packages.
  const env = user.uid === undefined ? {} : { HOME: folder, TMPDIR: folder, npm_config_cache: join(folder, '.npm') }
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const begun = performance.now()
    const done = await work()
    onStep(name, Math.round(performance.now() - begun))
    return done
  }
  const write = async (name: string, content: string | { readonly copyOf: string }): Promise<void> => {
    const path = join(folder, name)
    await (typeof content === 'string' ? writeFile(path, content) : copyFile(content.copyOf, path))
    if (user.uid !== undefined) await chown(path, user.uid, user.uid)
  }
  const tryIt = async (order: string): Promise<Seen> =>
    JSON.parse(await runIn(folder, [process.execPath, 'try-it.mjs', order], { env, ...account, timeoutMs: 60_000 }))
  const session = (order: string) => async (): Promise<Seen> => {
    const carillon = await step('npx carillon dev', () => startDevelopment(npx, folder, account, env))
    try {
      return await step(`order ${order}: triggered, seen live, explained`, () => tryIt(order))
    } finally {
      await step('Ctrl-C', () => carillon.interrupt())
    }
  }

  await step('npm init', () => runIn(folder, [...npm, 'init', '-y'], { env, ...account }))
  await step(`npm install ${spec}`, () => runIn(folder, [...npm, ...INSTALL, spec], { env, ...account }))
  await write('carillon.config.ts', CONFIG)
  await write('try-it.mjs', { copyOf: join(import.meta.dirname, 'try-it.mjs') })
  const first = await session('first')()
  await stat(join(folder, '.carillon', 'dev.json'))
  const second = await session('second')()
  return { first, second, leftovers: await leftoversOf([folder, await databaseFolder(folder)]) }
}
