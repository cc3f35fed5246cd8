import { Agent, request } from 'node:http'
import pg from 'pg'
import { encodeNodeId } from '../../server/core/node-id.ts'
import { type BenchServer, type Comparison, percentile, settleDatabase } from './measure.ts'
import { deliveryId, eventId, notificationId, seedDeliveries } from './seed-deliveries.ts'

const DELIVERIES = Number(process.env['BENCH_DELIVERIES'] ?? 1_000_000)
const TENANT = 'bench'
const ROUNDS = 30
const PER_ROUND = 100

/** All of it, as the console asks. */
const EXPLAIN = `query ($id: ID!) {
  explainDelivery(deliveryId: $id) {
    deliveryId notificationId eventId stepKey orchestrationState waitingFor correlationId notificationKey recipientId channel
    renderKey renderVersion status planningReason planningContext nextEligibleAt resumeSource resumeScheduledAt resumedAt
    suppressionReason lastAttempt { id attemptNumber outcome errorClass adapter providerMessageId reason address source startedAt insertedAt }
    timeline { at event detail } decisions { checkpoint at rule verdict reason facts } summary
    whatWouldSendIt { kind description change }
  }
}`

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

const explain = ({ url, key }: BenchServer, index: number): Promise<string> => {
  const id = encodeNodeId('Delivery', deliveryId(index))
  const body = JSON.stringify({ query: EXPLAIN, variables: { id } })
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: `Bearer ${key}`,
    }
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => (text.includes(`"deliveryId":"${id}"`) ? resolve(text) : reject(new Error(text))))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The same rows, by their keys, which are known beforehand. */
const READS: readonly (readonly [table: string, column: string, idOf: (index: number) => string])[] = [
  ['delivery', 'id', deliveryId],
  ['event', 'id', eventId],
  ['notification', 'id', notificationId],
  ['delivery_decision', 'delivery_id', deliveryId],
  ['delivery_attempt', 'delivery_id', deliveryId],
  ['delivery_transition', 'delivery_id', deliveryId],
]

const readBare = async (client: pg.Client, index: number): Promise<void> => {
  const results = await Promise.all(
    READS.map(([table, column, idOf]) =>
      client.query({
        name: `bare_${table}`,
        text: `select * from ${table} where tenant_id = $1 and ${column} = $2`,
        values: [TENANT, idOf(index)],
      }),
    ),
  )
  if (results[0]?.rows.length !== 1) throw new Error(`delivery ${index} was not found`)
}

const timed = async (work: (index: number) => Promise<unknown>): Promise<number[]> => {
  const measured: number[] = []
  for (let round = 0; round < PER_ROUND; round++) {
    const index = 1 + Math.floor(Math.random() * DELIVERIES)
    const start = performance.now()
    await work(index)
    measured.push(performance.now() - start)
  }
  return measured
}

/** One explanation over HTTP at a time, beside its rows read by bare pg: six statements, sent in one go. */
export const compareExplain = async (server: BenchServer): Promise<readonly Comparison[]> => {
  await seedDeliveries(server.databaseUrl, { tenantId: TENANT, count: DELIVERIES })
  await settleDatabase(server.databaseUrl)
  const options = { connectionString: server.databaseUrl, options: '-c TimeZone=UTC -c carillon.tenant=*' }
  const client = new pg.Client({ ...options, pipeline: true } as pg.ClientConfig)
  await client.connect()
  const ours = (index: number) => explain(server, index)
  const bare = (index: number) => readBare(client, index)
  // Until what runs often has been compiled.
  for (let round = 0; round < ROUNDS; round++) {
    await timed(ours)
    await timed(bare)
  }
  const explained: number[] = []
  const read: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    explained.push(...(await timed(ours)))
    read.push(...(await timed(bare)))
  }
  await client.end()
  agent.destroy()
  const at = (p: number) => ({
    unit: 'ms',
    ours: percentile(explained, p),
    limit: percentile(read, p),
    beside: 'its rows by key with bare pg: six statements in one go',
  })
  const name = `an explanation among ${DELIVERIES.toLocaleString('en')} deliveries`
  return [
    { name: `${name}, p50`, ...at(0.5), goal: 5, good: 'at most' },
    { name: `${name}, p95`, ...at(0.95), goal: 5, good: 'at most' },
  ]
}
