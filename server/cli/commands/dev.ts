import type { Command } from 'commander'
import { readEnvironment } from '../../environment.ts'
import { examples } from './examples.ts'

export const declareDev = (program: Command): void => {
  program
    .command('dev')
    .description('everything on this machine: a database of its own, keys, example notifiers, GraphiQL and the demo')
    .addHelpText('after', examples('carillon dev', 'PORT=4100 CARILLON_CONFIG=my.config.ts carillon dev'))
    .action(async () => (await import('../dev.ts')).dev(readEnvironment(process.env)))
}
