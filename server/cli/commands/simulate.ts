import type { Command } from 'commander'
import { readEnvironment } from '../../environment.ts'
import { instant, several } from '../usage.ts'
import { examples } from './examples.ts'
import { type ServerOptions, withServerOptions } from './server-options.ts'

interface Options extends ServerOptions {
  readonly payload?: string
  readonly recipient?: readonly string[]
  readonly topic?: readonly string[]
  readonly actor?: string
  readonly at?: string
  readonly json?: boolean
}

export const declareSimulate = (program: Command): void => {
  withServerOptions(
    program
      .command('simulate')
      .argument('<notificationKey>', 'which notifier')
      .description('who would get what, and why, if this were triggered; nothing is written or sent')
      .option('--payload <json>', 'as JSON, or @file, or @- for standard input')
      .option('--recipient <id>', 'whom beside those the notifier names; an id, or {"id": ...} with details', several)
      .option('--topic <key>', 'whose subscribers; may be repeated, as --recipient may', several)
      .option('--actor <id>', 'who did it')
      .option('--at <instant>', 'when; now where left out', instant)
      .option('--json', 'answer as JSON, as the API does'),
  )
    .addHelpText(
      'after',
      examples(
        `carillon simulate invoice.paid --payload '{"number":"42","amount":"12.00"}' --recipient bob`,
        'carillon simulate comment.mentioned --payload @comment.json --at 2030-01-04T22:30:00Z',
      ),
    )
    .action(async (notificationKey: string, { json, payload, recipient, topic, actor, at, ...server }: Options) =>
      (await import('../simulate.ts')).simulate(readEnvironment(process.env), {
        server,
        notificationKey,
        payload,
        recipients: recipient ?? [],
        topics: topic ?? [],
        actorId: actor,
        at,
        json: json === true,
      }),
    )
}
