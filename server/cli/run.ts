import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError } from 'commander'
import type { CarillonClientError } from '../../client-sdk/error.ts'
import { packageRoot } from '../../prisma/package-root.ts'
import { SetupError } from '../errors.ts'
import { declareDev } from './commands/dev.ts'
import { declareDoctor } from './commands/doctor.ts'
import { declareExplain } from './commands/explain.ts'
import { declareExport } from './commands/export.ts'
import { declareKeys } from './commands/keys.ts'
import { declareMigrate } from './commands/migrate.ts'
import { declarePreview } from './commands/preview.ts'
import { declareSimulate } from './commands/simulate.ts'
import { declareStart } from './commands/start.ts'
import { declareTenants } from './commands/tenants.ts'
import { UsageError } from './usage.ts'

const readVersion = async (): Promise<string> => {
  const root = await packageRoot(dirname(fileURLToPath(import.meta.url)))
  return (JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string }).version
}

/** The command line as it is typed, with nothing loaded that a command stands on. */
export const buildProgram = async (): Promise<Command> => {
  const program = new Command('carillon')
    .description('A self-hosted notification service. Without a command: start where NODE_ENV is production, else dev.')
    .version(await readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'print what a command does')
    .exitOverride()
    .showHelpAfterError('(carillon --help lists the commands, carillon <command> --help says how one is used)')
    .addHelpText(
      'after',
      `
What is asked for goes to stdout, everything else to stderr. A command ends with 0 where all went well, with 1 where
the answer is "no" or something failed, and with 2 where it was used in a way that makes no sense.
Configuration is by environment: see docs/command-line.md.`,
    )
  // Nothing heavy: what a command stands on is loaded when it runs.
  for (const declare of [
    declareDev,
    declareStart,
    declareMigrate,
    declareTenants,
    declareKeys,
    declareExplain,
    declareSimulate,
    declarePreview,
    declareExport,
    declareDoctor,
  ]) {
    declare(program)
  }
  return program
}

const GENERAL = new Set(['-h', '--help', '-V', '--version'])

/** Options alone are those of the command that runs without being named. */
const withCommand = (args: readonly string[]): readonly string[] => {
  const [first] = args
  if (first !== undefined && (!first.startsWith('-') || GENERAL.has(first))) return args
  return [process.env['NODE_ENV'] === 'production' ? 'start' : 'dev', ...args]
}

/** A fault of the setup is told in words, and so is what a server answers; anything else is a bug, and shows where. */
const explain = (error: unknown): string => {
  const { name, message, stack } = error as Error
  const inWords = error instanceof SetupError || name === 'CarillonError' || name === 'CarillonClientError'
  if (!inWords) return stack ?? String(error)
  const { issues } = error as Partial<CarillonClientError>
  return [
    message,
    ...(issues ?? []).map((issue) => `- ${issue.path.join('.') || 'as a whole'}: ${issue.message}`),
  ].join('\n')
}

const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => void stream.write('', () => resolve()))

/** Runs a command line; answers what the process is to end with. */
export const runCommandLine = async (args: readonly string[]): Promise<number> => {
  try {
    const program = await buildProgram()
    await program.parseAsync([...withCommand(args)], { from: 'user' })
    await flushed(process.stdout)
    return Number(process.exitCode ?? 0)
  } catch (error) {
    // Commander has said what was wrong, or printed what it was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    process.stderr.write(`${explain(error)}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}
