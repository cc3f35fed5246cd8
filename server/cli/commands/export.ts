import type { Command } from 'commander'
import { readEnvironment } from '../../environment.ts'
import { examples } from './examples.ts'
import { type ServerOptions, withServerOptions } from './server-options.ts'

export const declareExport = (program: Command): void => {
  withServerOptions(
    program
      .command('export')
      .argument('<recipientId>', "whose data, by the host's own id")
      .description('all that is held about a recipient, as JSON; for requests of access to personal data')
      .option('--output <file>', 'write it there, readable by this account alone, instead of to stdout'),
  )
    .addHelpText('after', examples('carillon export bob --output bob.json', 'carillon export bob --tenant acme'))
    .action(async (recipientId: string, { output, ...server }: ServerOptions & { readonly output?: string }) =>
      (await import('../export.ts')).exportData(readEnvironment(process.env), {
        server,
        recipientId,
        output: output ?? null,
      }),
    )
}
