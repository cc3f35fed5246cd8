import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { plainEnvironment, runIn } from '../support/npm.ts'
import type { Image } from './image.ts'

/** A command that runs as it would in a container, as far as that goes without one. */
export interface Container {
  /** Where it answers. */
  readonly url: string
  /** Runs another command in the same surroundings, as `docker exec` does. */
  run(command: readonly string[]): Promise<string>
  /** Sends SIGTERM, as `docker stop` does, and answers the exit code. */
  terminate(): Promise<number | NodeJS.Signals | null>
}

/** As process 1 of a name space of its own, which hears the signals alone that it asked for; `[]` where that is refused. */
const asProcessOne = (): Promise<readonly string[]> =>
  runIn('/', ['unshare', '--pid', '--fork', 'true']).then(
    () => ['unshare', '--pid', '--fork'],
    () => [],
  )

const childOf = async (pid: number): Promise<number | null> => {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return Number.parseInt(children, 10) || null
}

export const startContainer = async (
  command: readonly string[],
  { root, workdir, env }: Image & { readonly env: Readonly<Record<string, string>> },
): Promise<Container> => {
  const PATH = `${join(root, 'usr/local/bin')}:${process.env['PATH']}`
  const prefix = await asProcessOne()
  const [file = '', ...args] = [...prefix, ...command]
  const child = spawn(file, args, {
    cwd: workdir,
    env: plainEnvironment({ ...env, PATH }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  )
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      output += chunk
      const found = /http:\/\/\S+\/graphql/.exec(output)?.[0]
      if (found) resolve(found)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('error', reject)
    void ended.then((how) => reject(new Error(`It ended (${how}) before it listened:\n${output}`)))
  })
  const listening = { ...env, PATH, PORT: new URL(url).port }
  return {
    url,
    run: ([program = '', ...rest]) => runIn(workdir, [program, ...rest], { env: listening }),
    async terminate() {
      const pid = prefix.length > 0 ? await childOf(child.pid as number) : (child.pid as number)
      if (pid !== null && child.exitCode === null) process.kill(pid, 'SIGTERM')
      return ended
    },
  }
}
