import type { Command } from 'commander'
import { readEnvironment } from '../../environment.ts'
import { examples } from './examples.ts'

const DATABASE = 'Asks DATABASE_URL, or the database of a running `carillon dev`.'

export const declareTenants = (program: Command): void => {
  const tenants = program
    .command('tenants')
    .description('the customers of this installation')
    .addHelpText(
      'after',
      `\n${DATABASE}\n${examples('carillon tenants create acme', 'carillon tenants list --json', 'carillon tenants disable acme')}`,
    )
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
    .description('every tenant, with its keys, recipients, latest event and state')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples('carillon tenants list'))
    .action(async ({ json }: { json?: boolean }) =>
      (await import('../tenants.ts')).listTenants(readEnvironment(process.env), { json: json === true }),
    )
  tenants
    .command('disable')
    .argument('<name>', 'which')
    .description('refuse its keys and recipient tokens, and end what is open by them; what was accepted is still sent')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples('carillon tenants disable acme'))
    .action(async (name: string, { json }: { json?: boolean }) =>
      (await import('../tenants.ts')).disable(readEnvironment(process.env), name, { json: json === true }),
    )
  tenants
    .command('enable')
    .argument('<name>', 'which')
    .description('let the keys and recipient tokens of a disabled tenant in again')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples('carillon tenants enable acme'))
    .action(async (name: string, { json }: { json?: boolean }) =>
      (await import('../tenants.ts')).enable(readEnvironment(process.env), name, { json: json === true }),
    )
  tenants
    .command('remove')
    .argument('<name>', 'which; it must have been disabled for a minute')
    .description('delete a tenant and all its rows for good, while servers go on; where it was stopped it goes on')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON, with how many rows of which table')
    .addHelpText('after', examples('carillon tenants remove acme', 'carillon tenants remove acme --yes --json'))
    .action(async (name: string, { yes, json }: { yes?: boolean; json?: boolean }) =>
      (await import('../tenants.ts')).remove(readEnvironment(process.env), name, {
        yes: yes === true,
        json: json === true,
      }),
    )
}
