import type { Command } from 'commander'
import { examples } from './examples.ts'

export const declareDoctor = (program: Command): void => {
  program
    .command('doctor')
    .description('look at everything the service stands on, and say what is wrong and what to do about it')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
Writes nothing and sends nothing. Ends with 1 where there is a fault; a warning is none.
${examples('carillon doctor', 'carillon doctor --json')}`,
    )
    .action(async ({ json }: { json?: boolean }) =>
      (await import('../doctor.ts')).doctor(process.env, { json: json === true }),
    )
}
