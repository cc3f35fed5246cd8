import type { Command } from 'commander'
import { readEnvironment } from '../../environment.ts'
import { examples } from './examples.ts'

const DATABASE = 'Asks DATABASE_URL, or the database of a running `carillon dev`.'

export const declareTenants = (program: Command): void => {
  const tenants = program
    .command('tenants')
    .description('the customers of this installation')
    .addHelpText('after', `\n${DATABASE}\n${examples('carillon tenants create acme', 'carillon tenants list --json')}`)
  tenants
    .command('create')
    .argument('<name>', 'lower-case letters, digits, "-" and "_", at most 63')
    .description('make a tenant; one that exists stays as it is, and the command ends with 1')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples('carillon tenants create acme'))
    .action(async (name: string, { json }: { json?: boolean }) =>
      (await import('../tenants.ts')).createTenant(readEnvironment(process.env), name, { json: json === true }),
    )
  tenants
    .command('list')
    .description('every tenant, with its keys, recipients and latest event')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples('carillon tenants list'))
    .action(async ({ json }: { json?: boolean }) =>
      (await import('../tenants.ts')).listTenants(readEnvironment(process.env), { json: json === true }),
    )
}
