import { Agent, request } from 'node:http'
import pg from 'pg'
import { applyMigrations } from '../../prisma/migrate.ts'
import { type BenchServer, type Comparison, percentile, settleDatabase, startServer } from './measure.ts'

const NOTIFICATIONS = Number(process.env['BENCH_NOTIFICATIONS'] ?? 500_000)
const TENANT = 'bench'
const PER_INBOX = 100
const SMALL = 20
const ROUNDS = 30
const PER_ROUND = 100

const INBOX = `query ($id: ID!) {
  inbox(recipientId: $id) {
    cursor counts { total unread unseen } unread: count(filter: { read: false })
    notifications(first: 20) { pageInfo { hasNextPage } edges { node { id arrivedAt readAt content { title body } } } }
  }
}`

/**
 * Inboxes of a hundred items each, of which the older half has been read: one event after the other, each to all, so that
 * the items of one inbox lie far from each other, as those of real ones do.
 */
const fill = async (databaseUrl: string, inboxes: number): Promise<void> => {
  const client = new pg.Client({ connectionString: databaseUrl, options: '-c TimeZone=UTC -c carillon.tenant=*' })
  await client.connect()
  try {
    await client.query(
      `insert into inbox (tenant_id, recipient_id, version, total, unread, unseen)
      select $1, 'reader-' || r, $3::int, $3::int, $3::int / 2, $3::int / 2 from generate_series(0, $2::int - 1) r`,
      [TENANT, inboxes, PER_INBOX],
    )
    for (let version = 1; version <= PER_INBOX; version++) {
      const { rows } = await client.query<{ id: string }>(
        `insert into event (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, payload,
          required, urgent, status, recipient_count, planned_recipient_count, inserted_at)
        values ($1, gen_random_uuid(), 'bench', 1, 'filled-' || $2::int::text, '\\x00', '{}', false, false, 'planned', $3::int, $3::int, clock_timestamp())
        returning id`,
        [TENANT, version, inboxes],
      )
      await client.query(
        `insert into notification (tenant_id, id, event_id, recipient_id, notification_key, content, inserted_at, arrived_at,
          arrival_version, inbox_version, seen_at, read_at)
        select $1, (lpad(to_hex($3::int), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(r), 12, '0'))::uuid, $2::uuid, 'reader-' || r, 'bench',
          jsonb_build_object('title', 'Number ' || $3::int, 'body', repeat('What there is to say about it. ', 5)), t, t, $3::int, $3::int,
          case when $3::int <= $5::int then t end, case when $3::int <= $5::int then t end
        from generate_series(0, $4::int - 1) r, clock_timestamp() t`,
        [TENANT, rows[0]?.id, version, inboxes, PER_INBOX / 2],
      )
    }
  } finally {
    await client.end()
  }
  await settleDatabase(databaseUrl)
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

const read = ({ url, key }: BenchServer, recipient: number): Promise<void> => {
  const body = JSON.stringify({ query: INBOX, variables: { id: `reader-${recipient}` } })
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    authorization: `Bearer ${key}`,
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => (text.includes('"title":"Number 100"') ? resolve() : reject(new Error(text))))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const timed = async (server: BenchServer, inboxes: number): Promise<number[]> => {
  const measured: number[] = []
  for (let turn = 0; turn < PER_ROUND; turn++) {
    const start = performance.now()
    await read(server, Math.floor(Math.random() * inboxes))
    measured.push(performance.now() - start)
  }
  return measured
}

/** An inbox's first page and counts among very many notifications, beside the same in a table that is all but empty. */
export const compareInbox = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const open = async (name: string, inboxes: number) => {
    const admin = new pg.Client({ connectionString: databaseUrl })
    await admin.connect()
    await admin.query(`create database ${name}`)
    await admin.end()
    const url = new URL(databaseUrl)
    url.pathname = `/${name}`
    await applyMigrations(url.href)
    const server = await startServer(url.href)
    await fill(url.href, inboxes)
    return { server, inboxes }
  }
  const small = await open('small_inboxes', SMALL)
  const large = await open('large_inboxes', Math.max(SMALL, NOTIFICATIONS / PER_INBOX))
  try {
    // Until what runs often has been compiled, and what is read often is in memory.
    for (const { server, inboxes } of [small, large, small, large]) await timed(server, inboxes)
    const times = { small: [] as number[], large: [] as number[] }
    for (let round = 0; round < ROUNDS; round++) {
      times.small.push(...(await timed(small.server, small.inboxes)))
      times.large.push(...(await timed(large.server, large.inboxes)))
    }
    const at = (p: number) => ({
      unit: 'ms',
      ours: percentile(times.large, p),
      limit: percentile(times.small, p),
      beside: `the same among ${(SMALL * PER_INBOX).toLocaleString('en')}`,
    })
    const name = `an inbox's first page and counts among ${NOTIFICATIONS.toLocaleString('en')} notifications`
    return [
      { name: `${name}, p50`, ...at(0.5), goal: 2, good: 'at most' },
      { name: `${name}, p99`, ...at(0.99), goal: 2, good: 'at most' },
    ]
  } finally {
    agent.destroy()
    await small.server.stop()
    await large.server.stop()
  }
}
