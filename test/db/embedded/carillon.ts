import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'

export const isRoot = process.getuid?.() === 0

/** What a test may run as when it is root, in place of an ordinary user. */
export const NOBODY = 65_534

export interface Event {
  readonly notice?: string
  readonly url?: string
  readonly failed?: string
  readonly exit?: string
  readonly drained?: unknown
  readonly stopped?: boolean
}

interface Launch {
  readonly dataDir: string
  readonly ephemeral?: boolean
  /** In blocks of 512 bytes, for all that it writes. */
  readonly fileSizeLimit?: number
  readonly uid?: number
  readonly temporary?: string
}

/** A process of its own that runs a database from a checkout. */
export class Carillon {
  readonly events: Event[] = []
  readonly process: ChildProcess
  #wake: () => void = () => undefined
  #output = ''

  constructor(checkout: string, { dataDir, ephemeral, fileSizeLimit, uid, temporary }: Launch) {
    const limit = fileSizeLimit ? `ulimit -f ${fileSizeLimit}; ` : ''
    const program = ['--import', 'tsx', 'program.ts', dataDir, ephemeral ? 'ephemeral' : 'lasting']
    this.process = spawn('/bin/sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, ...program], {
      cwd: checkout,
      detached: true,
      stdio: 'pipe',
      env: { PATH: process.env.PATH, TMPDIR: temporary, TSX_DISABLE_CACHE: '1' },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    })
    this.process.stderr?.on('data', (text) => {
      this.#output += text
    })
    if (this.process.stdout) {
      createInterface({ input: this.process.stdout }).on('line', (line) => {
        this.events.push(JSON.parse(line))
        this.#wake()
      })
    }
    this.process.once('close', () => this.#wake())
  }

  get pid(): number {
    return this.process.pid ?? 0
  }

  get notices(): string {
    return this.events.flatMap((event) => event.notice ?? []).join('\n')
  }

  /** The first value of a kind that it says; throws if it ends without saying so. */
  async says<K extends keyof Event>(kind: K): Promise<NonNullable<Event[K]>> {
    for (;;) {
      const value = this.events.find((event) => event[kind] !== undefined)?.[kind]
      if (value !== undefined) return value as NonNullable<Event[K]>
      if (this.process.stdout?.closed) {
        throw new Error(`It ended without "${kind}": ${JSON.stringify(this.events)} ${this.#output}`)
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async stop(): Promise<void> {
    const ended = this.process.exitCode === null && this.process.signalCode === null && once(this.process, 'exit')
    this.process.stdin?.end()
    await ended
  }

  async kill(): Promise<void> {
    const ended = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await ended
  }
}

export const query = async (url: string, sql: string): Promise<Record<string, unknown>[]> => {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** All running processes, with their parents; ended ones that wait for their parent are left out. */
const processes = (): { pid: number; parent: number; name: string }[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const title = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), name: title }]
    } catch {
      return []
    }
  })

export const childrenOf = (pid: number, name?: string): number[] =>
  processes()
    .filter((child) => child.parent === pid && (!name || child.name === name))
    .map((child) => child.pid)

export const isRunning = (pid: number): boolean => processes().some((running) => running.pid === pid)

export const postmasterOf = async (dataDir: string): Promise<number> =>
  Number.parseInt(await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8'), 10)
