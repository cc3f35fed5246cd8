import type { Command } from 'commander'

/** Whom a command asks, as it was typed. */
export interface ServerOptions {
  readonly url?: string
  readonly key?: string
  readonly tenant?: string
}

/** Adds the options by which a command finds what it asks. */
export const withServerOptions = (command: Command): Command =>
  command
    .option('--url <url>', 'ask this server (CARILLON_URL), such as https://notify.example.com')
    .option('--key <key>', 'with this API key (CARILLON_KEY, which no shell remembers)')
    .option('--tenant <name>', 'ask no server, but DATABASE_URL, as an operator of this tenant')
    .addHelpText(
      'after',
      `
Asks, in this order: what --url and --key, or --tenant, name; CARILLON_URL with CARILLON_KEY; a running \`carillon dev\`.`,
    )
