import { runCommandLine } from '../../server/cli/run.ts'
import type { Outcome } from './carillon-process.ts'

const VARIABLES = ['DATABASE_URL', 'NODE_ENV', 'PORT'] as const
const isOurs = (name: string): boolean => name.startsWith('CARILLON_') || VARIABLES.some((known) => known === name)

/** Takes down what is written to a stream until it is given back. */
const record = (stream: NodeJS.WriteStream): { readonly text: () => string; readonly giveBack: () => void } => {
  const { write } = stream
  let text = ''
  stream.write = ((chunk: string, done?: () => void) => {
    text += chunk
    done?.()
    return true
  }) as typeof stream.write
  return {
    text: () => text,
    giveBack: () => {
      stream.write = write
    },
  }
}

/**
 * Runs a command line in this process, which starts no other: one at a time. All of it is what the binary runs, but for
 * the process around it.
 */
export const typed = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> => {
  const before = { ...process.env }
  for (const name of Object.keys(process.env)) if (isOurs(name)) delete process.env[name]
  Object.assign(process.env, env)
  const [stdout, stderr] = [record(process.stdout), record(process.stderr)]
  try {
    const code = await runCommandLine(args)
    return { code, stdout: stdout.text(), stderr: stderr.text() }
  } finally {
    stdout.giveBack()
    stderr.giveBack()
    for (const name of Object.keys(env)) delete process.env[name]
    Object.assign(process.env, before)
    process.exitCode = undefined
  }
}
