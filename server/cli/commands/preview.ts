import type { Command } from 'commander'
import { readEnvironment } from '../../environment.ts'
import { examples } from './examples.ts'
import { type ServerOptions, withServerOptions } from './server-options.ts'

interface Options extends ServerOptions {
  readonly channel: string
  readonly payload?: string
  readonly recipient: string
  readonly field?: string
  readonly json?: boolean
}

export const declarePreview = (program: Command): void => {
  withServerOptions(
    program
      .command('preview')
      .argument('<notificationKey>', 'which notifier')
      .description('what would be rendered, through the code that renders it when it is sent')
      .requiredOption('--channel <channel>', 'in_app, email, sms, push, or one of your own')
      .option('--payload <json>', 'as JSON, or @file, or @- for standard input')
      .option('--recipient <id>', 'for whom; an id, or {"id": ...} with details laid over the stored ones', 'preview')
      .option('--field <name>', 'print this part of the content alone, such as html')
      .option('--json', 'answer as JSON, as the API does'),
  )
    .addHelpText(
      'after',
      examples(
        `carillon preview invoice.paid --channel email --payload '{"number":"42","amount":"12.00"}' --recipient bob`,
        'carillon preview invoice.paid --channel email --payload @invoice.json --field html > invoice.html',
      ),
    )
    .action(async (notificationKey: string, { channel, payload, recipient, field, json, ...server }: Options) =>
      (await import('../preview.ts')).preview(readEnvironment(process.env), {
        server,
        notificationKey,
        channel,
        payload,
        recipient,
        field,
        json: json === true,
      }),
    )
}
