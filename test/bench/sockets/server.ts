import { createServer } from 'node:http'
import pg from 'pg'
import { type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import { builder } from '../../../schema/builder.ts'
import '../../../schema/index.ts'
import { createApp } from '../../../server/app.ts'
import { serveHttp } from '../../../server/http/server.ts'
import { defineConfig, defineNotifier } from '../../../server/index.ts'
import { ensureTenant } from '../../../server/operations/credentials.ts'
import { Pulled } from '../../../server/realtime/iterator.ts'
import type { Command, Moved, Rate, Reply } from './protocol.ts'

/*
 * One process under measurement, that holds sockets and pushes to them: Carillon, or a bare `ws` server that does what
 * cannot be left out. Driven by its parent; every instant is the machine's own monotonic clock.
 */

const TENANT = 'bench'
const BATCHES_PER_SECOND = 100
const recipientOf = (index: number): string => `socket-${index}`
const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** Calls `send` so many times a second, evenly, and resolves when all of it was done. */
const atRate = async (
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
  send: (index: number) => unknown,
): Promise<void> => {
  const start = performance.now()
  const sent: unknown[] = []
  for (let index = 0; index < perSecond * seconds; index++) {
    const dueIn = start + (index * 1000) / perSecond - performance.now()
    if (dueIn > 0) await new Promise((resolve) => setTimeout(resolve, dueIn))
    sent.push(send(index))
  }
  await Promise.all(sent)
}

interface Measured {
  readonly url: string
  tokens(count: number): Promise<readonly string[]>
  /** From memory to a socket. */
  handOver(index: number, text: string): void
  /** Something for each of so many that can move. */
  fill(count: number): Promise<unknown>
  /** All of so many at once; answers when that was committed. */
  moveAll(count: number): Promise<number>
  /** Moves the inboxes of these, each to a state of its own; answers when that was committed. */
  move(indexes: readonly number[]): Promise<number>
}

const bodyOf = (index: number): string => `Somebody has answered what you wrote about the plans for number ${index}.`

/** Whatever it is given while it is asked. */
class Handed extends Pulled<string> {
  protected asked(): void {}
  protected left(): void {}
}

const carillon = async (): Promise<Measured> => {
  const waiting = new Map<string, Handed>()
  builder.subscriptionField('handedOver', (t) =>
    t.string({
      subscribe: (_, __, { principal: { recipientId } }) => {
        const handed = new Handed()
        waiting.set(recipientId ?? '', handed)
        return handed
      },
      resolve: (text) => text,
    }),
  )
  const config = defineConfig({
    notifiers: [
      defineNotifier({
        key: 'bench',
        version: 1,
        payload: z.object({ title: z.string(), body: z.string() }),
        channels: ['in_app'],
        render: { in_app: ({ payload }) => payload },
      }),
    ],
  })
  const app = await createApp({
    databaseUrl: process.env['DATABASE_URL'] as string,
    config,
    secretKey: 'a-secret-key-for-benchmarks-of-32-characters',
  })
  await ensureTenant(app, TENANT)
  const http = await serveHttp(app, { host: '127.0.0.1', port: 0, schema: builder.toSchema() })
  const notify = (index: number) => {
    const request = {
      notificationKey: 'bench',
      idempotencyKey: `${process.pid}-${index}`,
      payload: { title: `For number ${index}`, body: bodyOf(index) },
      recipients: [{ id: recipientOf(index) }],
    }
    return app.trigger({ tenantId: TENANT, request, path: ['input'] })
  }
  const sql = new pg.Pool({
    connectionString: process.env['DATABASE_URL'] as string,
    options: '-c carillon.tenant=*',
    max: 1,
  })
  const move = async (indexes: readonly number[]): Promise<number> => {
    const { rows } = await sql.query<{ tenantId: string; recipientId: string }>(
      `with moved as (
        update inbox set version = version + 1 where recipient_id = any ($1::text[]) returning tenant_id, recipient_id, version
      ), changed as (
        update notification n set inbox_version = m.version from moved m, (
          select distinct on (tenant_id, recipient_id) tenant_id, recipient_id, id from notification
          where recipient_id = any ($1::text[])
          order by tenant_id, recipient_id, arrival_version
        ) f
        where (f.tenant_id, f.recipient_id) = (m.tenant_id, m.recipient_id) and (n.tenant_id, n.id) = (f.tenant_id, f.id)
      )
      select tenant_id as "tenantId", recipient_id as "recipientId" from moved`,
      [indexes.map(recipientOf)],
    )
    const began = now()
    app.hub.moved(rows)
    return began
  }
  return {
    url: `${http.url.replace('http', 'ws')}/graphql`,
    async tokens(count) {
      const made = Array.from({ length: count }, (_, index) =>
        app.credentials.createRecipientToken({ tenantId: TENANT }, { recipientId: recipientOf(index) }),
      )
      return (await Promise.all(made)).map(({ token }) => token)
    },
    handOver: (index, text) => waiting.get(recipientOf(index))?.give(text),
    fill: (count) => Promise.all(Array.from({ length: count }, (_, index) => notify(index))),
    moveAll: (count) => move(Array.from({ length: count }, (_, index) => index)),
    move,
  }
}

/** What an inbox's update looks like. */
const updateOf = (index: number, content: object): object => ({
  id: '1',
  type: 'next',
  payload: {
    data: {
      inboxUpdates: {
        cursor: 'MTIuYWJjZGVmZ2g',
        resync: false,
        removedIds: [],
        counts: { total: index, unread: index, unseen: index },
        changed: [{ id: `Tm90aWZpY2F0aW9uOjAxOTNiMDAw${index}`, content }],
      },
    },
  },
})

const bare = async (): Promise<Measured> => {
  const sockets: WebSocket[] = []
  const server = createServer()
  const accepting = new WebSocketServer({ server })
  accepting.on('connection', (socket, request) => {
    sockets[Number(request.url?.slice(1))] = socket
    socket.on('message', (data) => socket.send(String(data)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] as string, max: 10 })
  await pool.query(
    'drop table if exists bare_message; create table bare_message (id int primary key, content jsonb not null)',
  )
  const send = (index: number, value: unknown) => sockets[index]?.send(JSON.stringify(value))
  return {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/`,
    tokens: async (count) => Array.from({ length: count }, () => ''),
    handOver: (index, text) => send(index, { id: '1', type: 'next', payload: { data: { handedOver: text } } }),
    fill: (count) =>
      pool.query('insert into bare_message (id, content) select n, $2 from generate_series(0, $1 - 1) as n', [
        count,
        { title: 'For one', body: bodyOf(0) },
      ]),
    async move(indexes) {
      const began = now()
      const { rows } = await pool.query<{ id: number; content: object }>({
        name: 'read',
        text: 'select id, content from bare_message where id = any ($1::int[])',
        values: [indexes],
      })
      for (const { id, content } of rows) send(id, updateOf(id, content))
      return began
    },
    // Nothing is read where there is nothing to wait for but the sockets.
    async moveAll(count) {
      const began = now()
      for (let index = 0; index < count; index++) send(index, updateOf(index, { title: 'x', body: bodyOf(index) }))
      return began
    },
  }
}

const measured = await (process.argv[2] === 'bare' ? bare() : carillon())

/** A few at a time, the first of all with each of them. */
const push = async ({ perSecond, seconds, among }: Rate): Promise<readonly Moved[]> => {
  const size = perSecond / BATCHES_PER_SECOND
  const moved: Moved[] = []
  await atRate({ perSecond: BATCHES_PER_SECOND, seconds }, async (turn) => {
    const others = Array.from({ length: size }, (_, offset) => 1 + ((turn * size + offset) % (among - 1)))
    const at = await measured.move([0, ...others])
    moved.push(...others.map((index): Moved => [index, at]))
  })
  return moved
}

const obey = async (command: Command): Promise<unknown> => {
  switch (command.name) {
    case 'tokens':
      return measured.tokens(command.count)
    case 'rss':
      for (let turn = 0; turn < 3; turn++) {
        globalThis.gc?.()
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      return process.memoryUsage.rss()
    case 'hand-over':
      return atRate(command, (index) => measured.handOver(index % command.among, `@${now()}@`))
    case 'push':
      return push(command)
    case 'fill':
      return void (await measured.fill(command.count))
    case 'move-all':
      return measured.moveAll(command.count)
  }
}

process.on('message', (command: Command) => {
  void obey(command).then((value) => process.send?.({ id: command.id, value } satisfies Reply))
})
process.once('disconnect', () => process.exit(0))
process.send?.({ id: 0, value: measured.url } satisfies Reply)
