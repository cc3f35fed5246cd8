import { type BenchServer, type Comparison, percentile, settleDatabase, startServer } from './measure.ts'
import { post } from './post.ts'
import { startProvider } from './provider.ts'

const PER_SECOND = 100
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 4)
const ROUNDS = 3
/** What is told within this is told at once. */
const AT_ONCE_MS = 20

/** When one trigger was sent and answered, and its message heard by the provider; by `performance.now()`. */
interface Times {
  readonly sent: number
  answered: number
  heard: number
}

const TRIGGER = 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }'

const sendTrigger = (server: BenchServer, marker: string, index: number): Promise<void> =>
  post(server, TRIGGER, {
    input: {
      notificationKey: 'bench',
      idempotencyKey: marker,
      payload: { marker },
      recipients: [{ id: `paged-${index % 500}` }],
    },
  })

/** Triggers so many times a second, and answers when each of them was sent, answered, and heard of. */
const measure = async (server: BenchServer, times: Map<string, Times>): Promise<readonly Times[]> => {
  times.clear()
  const total = PER_SECOND * SECONDS
  const start = performance.now()
  const answers: Promise<void>[] = []
  for (let index = 0; index < total; index++) {
    const dueIn = start + (index * 1000) / PER_SECOND - performance.now()
    if (dueIn > 0) await new Promise((resolve) => setTimeout(resolve, dueIn))
    const marker = `${start}-${index}`
    const own = { sent: performance.now(), answered: 0, heard: 0 }
    times.set(marker, own)
    answers.push(
      sendTrigger(server, marker, index).then(() => {
        own.answered = performance.now()
      }),
    )
  }
  await Promise.all(answers)
  while ([...times.values()].some(({ heard }) => heard === 0)) await new Promise((resolve) => setTimeout(resolve, 5))
  return [...times.values()]
}

/**
 * From a trigger over HTTP to the provider's being called, at 100 a second: by the process that was triggered, and by
 * another one, which has to be woken.
 */
export const compareLatency = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const times = new Map<string, Times>()
  const provider = await startProvider((marker) => {
    const own = times.get(marker)
    if (own) own.heard ||= performance.now()
  })
  const start = (role: string) =>
    startServer(databaseUrl, { script: 'sender', env: { BENCH_ROLE: role, BENCH_PROVIDER_URL: provider.url } })
  const results: Comparison[] = []
  for (const [how, roles] of [
    ['by the same process', ['all']],
    ['by another process', ['api', 'worker']],
  ] as const) {
    const servers = await Promise.all(roles.map(start))
    const [door] = servers as [BenchServer, ...BenchServer[]]
    await measure(door, times)
    await settleDatabase(databaseUrl)
    const rounds: (readonly Times[])[] = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(door, times))
    for (const server of servers) await server.stop()
    for (const [since, from] of [
      ['sent', (one: Times) => one.heard - one.sent],
      // Often it is over by then.
      ['answered', (one: Times) => Math.max(0, one.heard - one.answered)],
    ] as const) {
      for (const [name, p] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ] as const) {
        results.push({
          name: `a trigger ${since} to its provider called at ${PER_SECOND}/s ${how}, ${name}`,
          unit: 'ms',
          ours: percentile(rounds.flat().map(from), p),
          limit: AT_ONCE_MS,
          ratios: rounds.map((round) => percentile(round.map(from), p) / AT_ONCE_MS),
          beside: 'what is at once',
          // The slowest of a hundred waits for whatever else this machine does.
          goal: name === 'p50' ? 1 : 10,
          good: 'at most',
        })
      }
    }
  }
  provider.close()
  return results
}
