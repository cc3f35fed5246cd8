import { type Command, Option } from 'commander'
import { readEnvironment } from '../../environment.ts'
import { ROLES, type Role } from '../../role.ts'
import { examples } from './examples.ts'

export const declareStart = (program: Command): void => {
  program
    .command('start')
    .description('the service, on DATABASE_URL, with CARILLON_SECRET_KEY; brings the schema up to date first')
    .addOption(
      new Option('--role <role>', 'what this process does (CARILLON_ROLE): answer, carry out jobs, or both').choices(
        ROLES,
      ),
    )
    .addHelpText(
      'after',
      examples(
        'carillon start',
        'carillon start --role api      answers requests, carries out nothing',
        'carillon start --role worker   carries out what is due, answers health checks alone',
      ),
    )
    .action(async ({ role }: { readonly role?: Role }) => {
      const environment = readEnvironment(process.env)
      return (await import('../start.ts')).start({ ...environment, role: role ?? environment.role })
    })
}
