import type { Command } from 'commander'
import { readEnvironment } from '../../environment.ts'
import { examples } from './examples.ts'

export const declareMigrate = (program: Command): void => {
  program
    .command('migrate')
    .description('bring the schema of DATABASE_URL up to date, or say what is to be done for that')
    .option(
      '--status',
      'say what was applied and what was not, and change nothing; ends with 1 where something is left',
    )
    .option('--dry-run', 'the same as --status')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples('carillon migrate', 'carillon migrate --status --json'))
    .action(async ({ status, dryRun, json }: { status?: boolean; dryRun?: boolean; json?: boolean }) =>
      (await import('../migrate.ts')).migrate(readEnvironment(process.env), {
        statusOnly: status === true || dryRun === true,
        json: json === true,
      }),
    )
}
