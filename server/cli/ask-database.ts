import { randomBytes } from 'node:crypto'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { schema } from '../../schema/index.ts'
import { createApp } from '../app.ts'
import { loadConfigFile } from '../config-file.ts'
import { NO_PERSISTED_OPERATIONS } from '../core/persisted-operations.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'
import { createCompiler } from '../http/compiled-execution.ts'
import { shownError } from '../http/errors.ts'
import { createGraphQLServer } from '../http/graphql.ts'
import { tenantExists } from '../operations/tenants.ts'
import { databaseError, databaseUrlOf } from './with-database.ts'

/** Nothing listens there: what is asked stays in this process. */
const WITHIN = 'http://carillon.invalid/graphql'

/**
 * Asks the API within this process, as an operator of a tenant, over the database. The process carries out no jobs,
 * hears no hints, and leaves what is stored of the configuration as it is, for a server's own may be a newer one.
 */
export const askDatabase = async <T>(
  environment: Environment,
  tenantId: string,
  work: (client: CarillonClient) => Promise<T>,
): Promise<T> => {
  const databaseUrl = await databaseUrlOf(environment)
  if (databaseUrl === null) throw new SetupError('--tenant asks the database that DATABASE_URL names; it is not set')
  const config = await loadConfigFile(environment.configFile)
  try {
    const app = await createApp({
      databaseUrl,
      config,
      // Nothing that is asked here is sealed, and nothing is signed.
      secretKey: environment.secretKey ?? randomBytes(32).toString('base64url'),
      publicUrl: environment.publicUrl,
      bus: 'memory',
      cron: false,
      storesConfiguration: false,
      connections: 2,
    })
    try {
      if (!(await tenantExists(app.db, tenantId))) {
        throw new SetupError(
          `There is no tenant ${JSON.stringify(tenantId)}: "carillon tenants list" shows those there are`,
        )
      }
      const server = createGraphQLServer(app, {
        schema,
        compiler: createCompiler(),
        shown: shownError(app.telemetry, { suggestions: true }),
        introspection: true,
        persisted: NO_PERSISTED_OPERATIONS,
      })
      const principal = {
        tenantId,
        scopes: ['OPERATE', 'TRIGGER'],
        recipientId: null,
        expiresAt: null,
        grant: null,
      } as const
      const client = createClient({
        url: WITHIN,
        token: 'none is needed',
        fetch: async (url, init) => server.fetch(String(url), init as RequestInit, { principal }),
      })
      return await work(client)
    } finally {
      await app.close()
    }
  } catch (error) {
    throw databaseError(error, environment.databaseUrl === null)
  }
}
