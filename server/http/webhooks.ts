import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App } from '../app.ts'
import { publicError } from '../operations/failures.ts'
import type { WebhookAddress } from '../operations/webhooks/path.ts'
import type { WebhookOutcome } from '../operations/webhooks/receive.ts'
import { readWhole } from './body.ts'

/** More than any provider sends at once. */
const MAX_BODY_BYTES = 1024 * 1024
/** How long a provider is asked to wait where the database is away, or its certificate. */
const RETRY_AFTER_SECONDS = 30

interface Answer {
  readonly status: number
  /** Left out where all is well. */
  readonly error?: string
}

/** In words that say nothing of what was sent, nor which of tenant, adapter and signature is wrong. */
const ANSWERS: Readonly<Record<WebhookOutcome, Answer>> = {
  accepted: { status: 204 },
  unknown_sender: { status: 401, error: 'The sender cannot be verified' },
  unreadable: { status: 400, error: 'The webhook cannot be read' },
  too_large: { status: 413, error: 'The webhook holds more than 1,000 events' },
  unavailable: { status: 503, error: 'The webhook cannot be taken now; send it again' },
}

const respond = (response: ServerResponse, { status, error }: Answer, headers: Record<string, string> = {}): void => {
  if (error === undefined) return void response.writeHead(status, headers).end()
  response
    .writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      ...(status === 503 && { 'retry-after': String(RETRY_AFTER_SECONDS) }),
      ...headers,
    })
    .end(JSON.stringify({ error }))
}

const headersOf = ({ headers }: IncomingMessage): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )

/** What a provider called, as it knows it: some sign it. */
const urlOf = ({ publicUrl }: App, { url, headers }: IncomingMessage): string =>
  `${publicUrl ?? `http://${headers.host}`}${url}`

/** Takes a provider's webhook: POST /webhooks/<tenant>/<adapter>. Answered with 204 once all that it reports is kept. */
export const answerWebhook = async (
  app: App,
  address: WebhookAddress,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> => {
  if (request.method !== 'POST') {
    return respond(response, { status: 405, error: 'Webhooks are sent with POST' }, { allow: 'POST' })
  }
  const rawBody = await readWhole(request, MAX_BODY_BYTES)
  if (rawBody === 'too_large') {
    const error = `The body is larger than ${MAX_BODY_BYTES / 1024} KiB`
    return respond(response, { status: 413, error }, { connection: 'close' })
  }
  try {
    const outcome = await app.receiveWebhook(address, {
      rawBody,
      headers: headersOf(request),
      url: urlOf(app, request),
    })
    respond(response, ANSWERS[outcome])
  } catch (error) {
    const { code, message } = publicError(error, app.telemetry)
    respond(response, { status: code === 'UNAVAILABLE' ? 503 : 500, error: message })
  }
}
