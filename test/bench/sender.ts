import { z } from 'zod'
import { createApp } from '../../server/app.ts'
import { serveHttp } from '../../server/http/server.ts'
import { defineConfig, defineNotifier, webhook } from '../../server/index.ts'
import { createApiKey, ensureTenant } from '../../server/operations/credentials.ts'

/*
 * One process under measurement, that sends: it answers triggers, or carries out what is due, or both, as
 * BENCH_ROLE says. What it sends goes to BENCH_PROVIDER_URL.
 */

const TENANT = 'latency'
const role = process.env['BENCH_ROLE']

const app = await createApp({
  databaseUrl: process.env['DATABASE_URL'] as string,
  config: defineConfig({
    notifiers: [
      defineNotifier({
        key: 'bench',
        version: 1,
        payload: z.object({ marker: z.string() }),
        channels: ['pager'],
        render: { pager: ({ payload }) => ({ text: payload.marker }) },
      }),
    ],
    adapters: {
      pager: webhook({
        url: process.env['BENCH_PROVIDER_URL'] as string,
        secret: `whsec_${Buffer.from('a secret of the benchmarks').toString('base64')}`,
        allowPrivateAddresses: true,
      }),
    },
  }),
  secretKey: 'a-secret-key-for-benchmarks-of-32-characters',
})
await ensureTenant(app, TENANT)
const key = await createApiKey(app.db, { tenantId: TENANT, scopes: ['TRIGGER'], label: 'bench' })
const http = await serveHttp(app, { host: '127.0.0.1', port: 0 })
if (role !== 'api') app.worker.start()

process.send?.({ url: `${http.url}/graphql`, bareUrl: '', key })
process.once('message', () => process.exit(0))
