import type { Command } from 'commander'
import { readEnvironment } from '../../environment.ts'
import { instant, UsageError } from '../usage.ts'
import { examples } from './examples.ts'
import { type ServerOptions, withServerOptions } from './server-options.ts'

interface Options extends ServerOptions {
  readonly recipient?: string
  readonly notification?: string
  readonly since?: string
  readonly json?: boolean
}

export const declareExplain = (program: Command): void => {
  withServerOptions(
    program
      .command('explain')
      .argument(
        '[id]',
        'of a delivery, an event or a notification, as the API or a log prints it, or an idempotency key',
      )
      .description('why something was sent, held, dropped or failed, and what would send it')
      .option('--recipient <id>', 'why this recipient got, or did not get, ...')
      .option('--notification <key>', '... this notification')
      .option('--since <instant>', 'looking at nothing older', instant)
      .option('--json', 'answer as JSON, as the API does'),
  )
    .addHelpText(
      'after',
      examples(
        'carillon explain RGVsaXZlcnk6MDE5MW...',
        'carillon explain 0191e0a0-0000-7000-8000-000000000000 --tenant acme',
        'carillon explain comment-42-mention',
        'carillon explain --recipient bob --notification comment.mentioned --since 2030-01-04',
      ),
    )
    .action(async (id: string | undefined, { recipient, notification, since, json, ...server }: Options) => {
      const byRecipient = recipient !== undefined && notification !== undefined
      if ((id === undefined) !== byRecipient || (!byRecipient && (recipient ?? notification ?? since) !== undefined)) {
        throw new UsageError(
          'Name what is to be explained: an id or idempotency key, or --recipient with --notification',
        )
      }
      const question = byRecipient
        ? { recipientId: recipient, notificationKey: notification, since: since ?? null }
        : { id: (id as string).trim() }
      return (await import('../explain.ts')).explain(readEnvironment(process.env), {
        server,
        question,
        json: json === true,
      })
    })
}
