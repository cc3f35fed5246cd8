import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

const ROOT = resolve(import.meta.dirname, '../..')

export interface DevFile {
  readonly graphqlUrl: string
  readonly wsUrl: string
  readonly tenantId: string
  readonly backendKey: string
  readonly operatorKey: string
}

/** `npm start`, as a process of its own. */
export interface CarillonProcess {
  readonly child: ChildProcess
  /** All that it has printed. */
  output(): string
  /** Resolves when it says that it is ready; rejects with its output where it ends before. */
  readonly ready: Promise<void>
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null>
}

/** How long a test may take that starts processes, in milliseconds: beside others that are busy, a start takes its time. */
export const PROCESS_TEST_MS = 120_000

/** How a command ended, and what it said where. */
export interface Outcome {
  readonly code: number | NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export const runCarillon = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> => {
  const { NODE_ENV: _, ...inherited } = process.env
  const command = ['--import', 'tsx', '--conditions=carillon-source', 'server/main.ts', ...args]
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<Outcome['code']>((resolve) => child.once('close', (status, signal) => resolve(status ?? signal))),
  ])
  return { code, stdout, stderr }
}

/** The command of the npm script, without npm around it: signals reach it as a terminal's Ctrl-C would. */
export const startProcess = (env: NodeJS.ProcessEnv, args: readonly string[] = []): CarillonProcess => {
  const { NODE_ENV: _, ...inherited } = process.env
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=carillon-source', 'server/main.ts', ...args],
    {
      cwd: ROOT,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  const ready = new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      output += chunk
      if (/Ctrl-C stops it|Carillon listens at|Carillon carries out jobs/.test(output)) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void ended.then(() => reject(new Error(`it ended before it was ready:\n${output}`)))
  })
  ready.catch(() => {})
  return {
    child,
    output: () => output,
    ready,
    ended,
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

export const readDevFile = async (dataDir: string): Promise<DevFile> =>
  JSON.parse(await readFile(join(dataDir, 'dev.json'), 'utf8')) as DevFile

export const ask = async (url: string, key: string, query: string, variables: Record<string, unknown> = {}) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  })
  return (await response.json()) as { data?: Record<string, unknown>; errors?: unknown }
}
