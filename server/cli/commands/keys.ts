import { type Command, Option } from 'commander'
import { KEY_SCOPES, type KeyScope } from '../../core/principal.ts'
import { readEnvironment } from '../../environment.ts'
import { instantToCome, UsageError } from '../usage.ts'
import { examples } from './examples.ts'

const scope = (value: string, before: readonly KeyScope[] = []): readonly KeyScope[] => {
  const known = KEY_SCOPES.find((one) => one === value.toUpperCase())
  if (!known) throw new UsageError(`There is no scope ${JSON.stringify(value)}: write ${KEY_SCOPES.join(' or ')}`)
  return [...new Set([...before, known])]
}

interface Created {
  readonly tenant: string
  readonly scope: readonly KeyScope[]
  readonly label: string
  readonly expires?: Date
  readonly json?: boolean
}

export const declareKeys = (program: Command): void => {
  const keys = program
    .command('keys')
    .description('the API keys of backends and operators')
    .addHelpText(
      'after',
      `\nAsks DATABASE_URL, or the database of a running \`carillon dev\`.\n${examples(
        'KEY=$(carillon keys create --tenant acme --scope TRIGGER --label "billing backend")',
        'carillon keys list --tenant acme',
        'carillon keys revoke 0191e0a0-0000-7000-8000-000000000000',
      )}`,
    )
  keys
    .command('create')
    .description('make a key, and its tenant where that is new, and print the key, this once')
    .requiredOption('--tenant <name>', 'whose data it opens')
    .addOption(
      new Option('--scope <scope>', 'TRIGGER for backends, OPERATE for operators; may be repeated')
        .argParser(scope)
        .makeOptionMandatory(),
    )
    .option('--label <text>', 'what it is for', '')
    .addOption(
      new Option('--expires <time>', 'when it ends by itself: an instant, or a duration such as 90d').argParser(
        instantToCome,
      ),
    )
    .option('--json', 'answer as JSON, with its id')
    .addHelpText(
      'after',
      examples('carillon keys create --tenant acme --scope TRIGGER --scope OPERATE --label support'),
    )
    .action(async ({ tenant, scope: scopes, label, expires, json }: Created) =>
      (await import('../keys.ts')).createKey(readEnvironment(process.env), {
        tenantId: tenant,
        scopes,
        label,
        expiresAt: expires ?? null,
        json: json === true,
      }),
    )
  keys
    .command('list')
    .description('the keys that there are; of a key itself only the hash is kept')
    .option('--tenant <name>', 'those of this tenant')
    .option('--all', 'the revoked and expired ones too')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples('carillon keys list', 'carillon keys list --tenant acme --all --json'))
    .action(async ({ tenant, all, json }: { tenant?: string; all?: boolean; json?: boolean }) =>
      (await import('../keys.ts')).listKeys(readEnvironment(process.env), {
        tenantId: tenant ?? null,
        all: all === true,
        json: json === true,
      }),
    )
  keys
    .command('revoke')
    .argument('[key...]', 'ids of keys, or keys themselves; ids are better, for a shell remembers what is typed')
    .description('end keys or recipient tokens for good, and within seconds the streams that were opened by them')
    .option('--tenant <name>', 'with --all or --tokens: whose')
    .option('--all', 'every key of the tenant')
    .option('--tokens', 'every recipient token that the tenant was given')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      examples(
        'carillon keys revoke 0191e0a0-0000-7000-8000-000000000000',
        'carillon keys revoke --tenant acme --all --tokens',
      ),
    )
    .action(
      async (
        given: readonly string[],
        { tenant, all, tokens, json }: { tenant?: string; all?: boolean; tokens?: boolean; json?: boolean },
      ) => {
        const ofTenant = all === true || tokens === true
        if (ofTenant !== (tenant !== undefined) || ofTenant === given.length > 0) {
          throw new UsageError(
            'Name the keys, or what of a tenant: carillon keys revoke <id>..., or --tenant acme with --all, --tokens or both',
          )
        }
        const keys = all === true && tenant !== undefined ? [{ allOf: tenant }] : given.map((key) => ({ key }))
        return (await import('../keys.ts')).revoke(readEnvironment(process.env), keys, {
          tokensOf: tokens === true ? (tenant ?? null) : null,
          json: json === true,
        })
      },
    )
}
