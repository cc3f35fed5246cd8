import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { type BenchServer, type Comparison, percentile, settleDatabase } from './measure.ts'
import { post } from './post.ts'

const PER_SECOND = 100
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 4)
const RECIPIENTS = 20

interface Way {
  readonly mutation: string
  variables(marker: string, index: number): Record<string, unknown>
  /** Subscribes, and tells of each marker that arrives. */
  listen(heard: (marker: string) => void): Promise<() => void>
}

/** Milliseconds from sending the mutation to hearing of it on a socket. */
const latencies = async (server: BenchServer, way: Way): Promise<number[]> => {
  const sentAt = new Map<string, number>()
  const measured: number[] = []
  const total = PER_SECOND * SECONDS
  let finish: () => void = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const stop = await way.listen((marker) => {
    const sent = sentAt.get(marker)
    if (sent === undefined) return
    sentAt.delete(marker)
    measured.push(performance.now() - sent)
    if (measured.length === total) finish()
  })
  const start = performance.now()
  for (let index = 0; index < total; index++) {
    const dueIn = start + (index * 1000) / PER_SECOND - performance.now()
    if (dueIn > 0) await new Promise((resolve) => setTimeout(resolve, dueIn))
    const marker = `${start}-${index}`
    sentAt.set(marker, performance.now())
    void post(server, way.mutation, way.variables(marker, index))
  }
  await finished
  stop()
  return measured
}

const openSocket = ({ url, key }: BenchServer) =>
  createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams: { token: key } })

const handOver = (server: BenchServer): Way => ({
  mutation: 'mutation ($text: String!) { handOver(text: $text) }',
  variables: (text) => ({ text }),
  async listen(heard) {
    const client = openSocket(server)
    const ready = new Promise<void>((resolve) => client.on('connected', () => resolve()))
    client.subscribe<{ handedOver: string }>(
      { query: 'subscription { handedOver }' },
      {
        next: ({ data }) => data && heard(data.handedOver),
        error: (error) => {
          throw error
        },
        complete: () => {},
      },
    )
    await ready
    await post(server, 'mutation { handOver(text: "warm") }', {})
    return () => void client.dispose()
  },
})

const inbox = (server: BenchServer): Way => ({
  mutation: 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }',
  variables: (marker, index) => ({
    input: {
      notificationKey: 'bench',
      idempotencyKey: marker,
      payload: { marker },
      recipients: [{ id: `watched-${index % RECIPIENTS}` }],
    },
  }),
  async listen(heard) {
    const client = openSocket(server)
    const query = 'subscription ($id: ID!) { inboxUpdates(recipientId: $id) { changed { content { title } } } }'
    await Promise.all(
      Array.from({ length: RECIPIENTS }, (_, index) => {
        let first: () => void = () => {}
        const ready = new Promise<void>((resolve) => {
          first = resolve
        })
        client.subscribe<{ inboxUpdates: { changed: { content: { title: string } }[] } }>(
          { query, variables: { id: `watched-${index}` } },
          {
            next: ({ data }) => {
              first()
              for (const { content } of data?.inboxUpdates.changed ?? []) heard(content.title)
            },
            error: (error) => {
              throw error
            },
            complete: () => {},
          },
        )
        return ready
      }),
    )
    return () => void client.dispose()
  },
})

/** From trigger to a subscriber's socket, beside a message that goes straight from resolver to socket. */
export const comparePush = async (server: BenchServer): Promise<readonly Comparison[]> => {
  await latencies(server, handOver(server))
  await latencies(server, inbox(server))
  await settleDatabase(server.databaseUrl)
  const straight: number[] = []
  const pushed: number[] = []
  for (let round = 0; round < 3; round++) {
    straight.push(...(await latencies(server, handOver(server))))
    pushed.push(...(await latencies(server, inbox(server))))
  }
  const at = (p: number) => ({
    unit: 'ms',
    ours: percentile(pushed, p),
    limit: percentile(straight, p),
    beside: 'straight from resolver to socket',
  })
  return [
    { name: `trigger to subscriber at ${PER_SECOND}/s, p50`, ...at(0.5), goal: 1.5, good: 'at most' },
    { name: `trigger to subscriber at ${PER_SECOND}/s, p99`, ...at(0.99), goal: 5, good: 'at most' },
  ]
}
