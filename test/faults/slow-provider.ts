import { type HttpProvider, httpProvider } from '../../server/testing/http-provider.ts'

/** One message that the provider has got, whether or not anybody heard its answer. */
export interface Receipt {
  readonly deliveryId: string
  readonly attemptNumber: number
  readonly idempotencyKey: string
}

/** A provider on loopback that takes its time over each message. */
export interface SlowProvider {
  readonly url: string
  readonly receipts: readonly Receipt[]
  /** How many of those that came to an address that begins like this it has not answered yet. */
  openAt(url: string): number
  close(): Promise<void>
}

export const startSlowProvider = async (answerAfterMs: number): Promise<SlowProvider> => {
  const provider: HttpProvider = await httpProvider()
  const open = new Set<string>()
  let calls = 0
  provider.behave(({ url }, response) => {
    calls += 1
    const call = `http://127.0.0.1:${provider.port}${url} ${calls}`
    open.add(call)
    response.once('close', () => open.delete(call))
    setTimeout(() => response.writeHead(200).end('thank you'), answerAfterMs)
  })
  return {
    url: `http://127.0.0.1:${provider.port}/page`,
    get receipts() {
      return provider.calls.map(({ headers, body }) => {
        const { data } = JSON.parse(body) as { data: { deliveryId: string; attemptNumber: number } }
        return { ...data, idempotencyKey: String(headers['webhook-id']) }
      })
    },
    openAt: (url) => [...open].filter((call) => call.startsWith(url)).length,
    close: () => provider.close(),
  }
}
