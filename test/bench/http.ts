import autocannon from 'autocannon'
import { type BenchServer, type Comparison, inTurn, settleDatabase } from './measure.ts'

const CONNECTIONS = 32
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 4)
const ROUNDS = 3

let counter = 0

/** Requests a second, each with a body of its own. */
const rate = async (url: string, key: string, body: () => string): Promise<number> => {
  const instance = autocannon({
    url,
    connections: CONNECTIONS,
    duration: SECONDS,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    requests: [{ setupRequest: (request) => ({ ...request, body: body() }) }],
  })
  const { requests, non2xx, errors } = await instance
  if (non2xx + errors > 0) throw new Error(`${non2xx} answers other than 2xx, ${errors} errors`)
  return requests.total / SECONDS
}

const TRIGGER = 'mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated event { id } } }'
const NOTHING = 'mutation ($id: String!) { nothing(id: $id) }'

const triggerBody = (): string => {
  counter += 1
  const input = {
    notificationKey: 'bench',
    idempotencyKey: `http-${process.pid}-${counter}`,
    payload: { n: counter },
    recipients: [{ id: `user-${counter % 5_000}` }],
  }
  return JSON.stringify({ query: TRIGGER, variables: { input } })
}

const nothingBody = (): string => {
  counter += 1
  return JSON.stringify({ query: NOTHING, variables: { id: `id-${counter}` } })
}

/** Single triggers beside a mutation that does nothing, and that one beside bare HTTP. */
export const compareHttp = async ({ databaseUrl, url, bareUrl, key }: BenchServer): Promise<readonly Comparison[]> => {
  await rate(url, key, triggerBody)
  await rate(url, key, nothingBody)
  await settleDatabase(databaseUrl)
  const trigger = await inTurn(
    ROUNDS,
    () => rate(url, key, triggerBody),
    () => rate(url, key, nothingBody),
  )
  const nothing = await inTurn(
    ROUNDS,
    () => rate(url, key, nothingBody),
    () => rate(bareUrl, key, nothingBody),
  )
  return [
    {
      name: 'single triggers over HTTP',
      unit: '/s',
      ours: trigger.a,
      limit: trigger.b,
      beside: 'a mutation that does nothing',
      goal: 0.6,
      good: 'at least',
    },
    {
      name: 'a mutation that does nothing',
      unit: '/s',
      ours: nothing.a,
      limit: nothing.b,
      beside: 'bare node:http answering the same bytes',
      goal: 0.35,
      good: 'at least',
    },
  ]
}
