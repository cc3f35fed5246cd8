import { request } from 'undici'
import { WebhookUnavailableError } from '../adapter.ts'

export interface DownloadLimits {
  /** For all of it, in milliseconds; 5,000 by default. */
  readonly timeoutMs?: number
  /** 64 KiB by default. */
  readonly maxBytes?: number
}

/**
 * What a GET answers with 200, as text. Follows no redirect, and gives up on an answer that is too long or too slow;
 * its errors name neither the address nor the answer, and say that the webhook is to be sent again.
 */
export const download = async (url: string, limits: DownloadLimits = {}): Promise<string> => {
  const { timeoutMs = 5_000, maxBytes = 64 * 1024 } = limits
  // A connection of its own: it is used once in months, and nobody would close it.
  const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(timeoutMs), reset: true }).catch(() => {
    throw new WebhookUnavailableError('Amazon SNS did not answer')
  })
  const chunks: Buffer[] = []
  let size = 0
  try {
    if (statusCode !== 200) throw new WebhookUnavailableError(`Amazon SNS answered with HTTP ${statusCode}`)
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) throw new WebhookUnavailableError('Amazon SNS answered with more than it should')
      chunks.push(chunk)
    }
  } catch (error) {
    // Destroyed without a listener, it would bring the process down with it.
    body.on('error', () => {}).destroy()
    if (error instanceof WebhookUnavailableError) throw error
    const inTime = (error as Error).name === 'TimeoutError' ? ' in time' : ''
    throw new WebhookUnavailableError(`Amazon SNS did not answer${inTime}`)
  }
  return Buffer.concat(chunks).toString('utf8')
}
