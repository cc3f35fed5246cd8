#!/usr/bin/env node
import { dev } from './cli/dev.ts'
import { keys } from './cli/keys.ts'
import { migrate } from './cli/migrate.ts'
import { start } from './cli/start.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { SetupError } from './errors.ts'

const COMMANDS: Readonly<Record<string, (environment: Environment, args: readonly string[]) => Promise<void>>> = {
  dev,
  start,
  migrate,
  keys,
}

const USAGE = `carillon <command>

  dev       everything on this machine, with a database of its own, keys and GraphiQL
  start     the service, on DATABASE_URL, with CARILLON_SECRET_KEY
  migrate   bring the schema of DATABASE_URL up to date
  keys      create an API key: carillon keys create --tenant acme --scope TRIGGER
`

const main = async ([name, ...args]: readonly string[]): Promise<void> => {
  const environment = readEnvironment(process.env)
  const command = COMMANDS[name ?? (environment.production ? 'start' : 'dev')]
  if (!command) throw new SetupError(`There is no command "${name}".\n\n${USAGE}`)
  await command(environment, args)
}

try {
  await main(process.argv.slice(2))
  process.exit(0)
} catch (error) {
  // A fault of the setup is told in words; anything else is a bug, and shows where.
  process.stderr.write(error instanceof SetupError ? `${error.message}\n` : `${(error as Error).stack}\n`)
  process.exit(1)
}
