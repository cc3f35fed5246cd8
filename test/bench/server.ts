import { EventEmitter, on } from 'node:events'
import { createServer } from 'node:http'
import { z } from 'zod'
import { builder } from '../../schema/builder.ts'
import '../../schema/index.ts'
import { createApp } from '../../server/app.ts'
import { serveHttp } from '../../server/http/server.ts'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'
import { createApiKey, ensureTenant } from '../../server/operations/credentials.ts'

/*
 * One process under measurement: Carillon, with three operations beside its own that do nothing but what cannot be
 * left out, and a bare HTTP server that answers the same bytes. Tells its parent where they listen.
 */

const handOver = new EventEmitter()

builder.mutationField('nothing', (t) =>
  t.boolean({ args: { id: t.arg.string({ required: true }) }, resolve: () => true }),
)
builder.mutationField('handOver', (t) =>
  t.boolean({
    args: { text: t.arg.string({ required: true }) },
    resolve: (_, { text }) => handOver.emit('message', text),
  }),
)
builder.subscriptionField('handedOver', (t) =>
  t.string({
    subscribe: () => on(handOver, 'message') as AsyncIterable<[string]>,
    resolve: ([text]) => text,
  }),
)

const config = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'bench',
      version: 1,
      category: 'bench',
      payload: z.object({ n: z.number().optional(), marker: z.string().optional() }),
      channels: ['in_app', 'pager'],
      render: { in_app: ({ payload }) => ({ title: payload.marker ?? `Number ${payload.n}` }), pager: () => ({}) },
    }),
  ],
  adapters: { pager: memory() },
})

const app = await createApp({
  databaseUrl: process.env['DATABASE_URL'] as string,
  config,
  secretKey: 'a-secret-key-for-benchmarks-of-32-characters',
})
await ensureTenant(app, 'bench')
const key = await createApiKey(app.db, { tenantId: 'bench', scopes: ['TRIGGER', 'OPERATE'], label: 'bench' })
const http = await serveHttp(app, { host: '127.0.0.1', port: 0, schema: builder.toSchema() })

const ANSWER = JSON.stringify({ data: { nothing: true } })
const bare = createServer((request, response) => {
  request.resume()
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(ANSWER))
})
await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve))
const { port } = bare.address() as { port: number }

process.send?.({ url: `${http.url}/graphql`, bareUrl: `http://127.0.0.1:${port}`, key })
process.once('message', () => process.exit(0))
// Whoever measures may be stopped in the midst of it.
process.once('disconnect', () => process.exit(0))
