import type { LookupFunction } from 'node:net'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { providerReason } from '../core/provider-reason.ts'
import { SetupError } from '../errors.ts'
import type { DeliverResult } from './adapter.ts'
import { BlockedAddressError, publicConnector } from './public-address.ts'
import { retryAfterMs } from './retry-after.ts'

/** The receiver was never called. */
const BLOCKED = 'blocked_address: the receiver is not at a public address, and allowPrivateAddresses is not set'
/** What is read of an answer; the rest is discarded with its connection. */
const BODY_BYTES = 64 * 1024
/** How long the body of an answer may take once its status is known, in milliseconds. */
const BODY_MS = 1_000

/** Anything but acceptance, and the provider's own words where they stand in something else, such as JSON. */
export interface Refusal {
  readonly outcome: 'temporary' | 'permanent' | 'bounced'
  readonly words?: string
}

export interface HttpCall {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
  /** What no reason may show, at any depth: the address, the content, the credentials as they are sent. */
  readonly hidden: unknown
  /** Reads what came with a 2xx; left out, nobody waits for it. */
  readonly accepted?: (body: string) => DeliverResult
  /** What another status means to this provider; `null`, or left out: what it means to most. */
  readonly refused?: (status: number, body: string) => Refusal | null
}

export interface HttpCaller {
  /** POSTs once, without following a redirect; never rejects. */
  post(call: HttpCall, signal: AbortSignal): Promise<DeliverResult>
  /** Opens a connection to where `url` leads, TLS included, and hangs up; rejects with what is wrong, by code alone. */
  reach(url: URL): Promise<string>
  close(): Promise<void>
}

/** The beginning of a body, as far as it comes in time; never fails. */
const beginningOf = async (body: Dispatcher.ResponseData['body']): Promise<string> => {
  const late = setTimeout(() => body.destroy(), BODY_MS)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= BODY_BYTES) break
    }
  } catch {
    // The status has been read; what became of the body changes nothing.
  } finally {
    clearTimeout(late)
    body.destroy()
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES).toString('utf8')
}

const usualMeaning = (status: number): Refusal => ({
  outcome: status === 408 || status === 429 || status >= 500 ? 'temporary' : 'permanent',
})

const resultOf = async (
  { statusCode: status, headers, body }: Dispatcher.ResponseData,
  { hidden, accepted, refused }: HttpCall,
): Promise<DeliverResult> => {
  if (status >= 200 && status < 300) {
    if (accepted) return accepted(await beginningOf(body))
    // Read all the same, so that the connection can be used again.
    void body.dump({ limit: BODY_BYTES, signal: AbortSignal.timeout(BODY_MS) }).catch(() => {})
    return { outcome: 'accepted' }
  }
  const said = await beginningOf(body)
  const { outcome, words = said } = refused?.(status, said) ?? usualMeaning(status)
  const reason = providerReason(`HTTP ${status} ${words}`, hidden)
  const wait = outcome === 'temporary' ? retryAfterMs(headers['retry-after'], Date.now()) : null
  if (outcome !== 'temporary' || wait === null) return { outcome, reason }
  return { outcome, reason, retryAfterMs: wait }
}

/** By code alone: messages name hosts and addresses. */
const noAnswer = (error: unknown): Exclude<DeliverResult, { outcome: 'accepted' }> => {
  if (error instanceof BlockedAddressError) return { outcome: 'permanent', reason: BLOCKED }
  const { code, name } = error as NodeJS.ErrnoException
  return { outcome: 'temporary', reason: providerReason(`no answer: ${code ?? name}`) }
}

/**
 * Connections to providers that are spoken to over HTTP. 2xx is accepted; 408, 429, 5xx and no answer are temporary,
 * `Retry-After` honoured up to 24 hours; everything else is permanent, redirects among it. 64 KB of an answer are read.
 */
export const httpCaller = (options: {
  /** Milliseconds to connect in, and to answer in. */
  timeoutMs: number
  /** Whether it may call addresses that are not public, such as 127.0.0.1. */
  allowPrivateAddresses: boolean
  /** Resolves host names, in place of the system's resolver. */
  lookup?: LookupFunction | undefined
}): HttpCaller => {
  const { timeoutMs, allowPrivateAddresses, lookup } = options
  const connect = allowPrivateAddresses
    ? buildConnector({ timeout: timeoutMs, ...(lookup && { lookup }) })
    : publicConnector({ timeout: timeoutMs, lookup })
  const agent = new Agent({
    connect,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })
  return {
    async post(call, signal) {
      const { url, headers, body } = call
      try {
        const response = await agent.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method: 'POST',
          headers: { 'user-agent': 'Carillon', ...headers },
          body,
          signal,
        })
        return await resultOf(response, call)
      } catch (error) {
        return noAnswer(error)
      }
    },
    reach: (url) =>
      new Promise((resolve, reject) => {
        const { protocol, host, port } = url
        const hostname = url.hostname.replace(/^\[|\]$/g, '')
        connect({ protocol, host, hostname, port }, (error, socket) => {
          if (error) return reject(new Error(noAnswer(error).reason))
          socket.destroy()
          resolve(`${protocol}//${host} takes connections`)
        })
      }),
    close: () => agent.destroy(),
  }
}

/** Reads the url of a provider out of an adapter's options; the error quotes nothing of it, for it may be a secret. */
export const parseHttpUrl = (
  text: string,
  { subject, example, instead }: { subject: string; example: string; instead: string },
): URL => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new SetupError(`${subject} must be an http or https address, such as ${example}`)
  }
  if (url.username || url.password) throw new SetupError(`${subject} must not hold credentials: ${instead}`)
  return url
}
