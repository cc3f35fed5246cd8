import type { ChatContent } from '../core/render-contracts.ts'
import type { Adapter, DeliverResult, OutgoingMessage } from './adapter.ts'
import { checkTimeout, DEFAULT_TIMEOUT_MS, withinTime } from './deadline.ts'
import { httpCaller, parseHttpUrl } from './http-call.ts'

export interface SlackOptions {
  /** `slack` by default. */
  name?: string
  /** An incoming webhook, `https://hooks.slack.com/services/…`; whoever knows it can post, so keep it like a password. */
  webhookUrl: string
  /** How long one call may take, in milliseconds; 10,000 by default. */
  timeoutMs?: number
}

/**
 * Posts to the one Slack channel that the incoming webhook belongs to, whoever the recipient is. 2xx is accepted; 408,
 * 429 (`Retry-After` honoured up to 24 hours), 5xx and no answer are temporary; everything else, such as `no_service`
 * or `channel_is_archived`, is permanent. Slack takes no idempotency key: a try after an unknown outcome may post twice.
 */
export const slack = (options: SlackOptions): Adapter<ChatContent> => {
  const { name = 'slack', timeoutMs = DEFAULT_TIMEOUT_MS } = options
  checkTimeout('slack', timeoutMs)
  const url = parseHttpUrl(options.webhookUrl, {
    subject: 'slack: `webhookUrl`',
    example: 'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX',
    instead: 'its path is all that Slack asks for',
  })
  // The parts too: a proxy may quote the path without the host, or decoded.
  const secrets = [options.webhookUrl, url.href, url.pathname, ...url.pathname.split('/'), url.search]
  // Whoever configures Slack chose the address: nothing of a recipient's goes into it.
  const caller = httpCaller({ timeoutMs, allowPrivateAddresses: true })

  const send = async (message: OutgoingMessage<ChatContent>, signal: AbortSignal): Promise<DeliverResult> => {
    const { address, content, recipient } = message
    const { text, blocks } = content
    return caller.post(
      {
        url,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify({ text, blocks }),
        hidden: [secrets, address, content, recipient.email, recipient.phone, recipient.displayName],
      },
      signal,
    )
  }

  return {
    name,
    timeoutMs,
    deliver: (message, signal) => withinTime(signal, timeoutMs, (limited) => send(message, limited)),
    check: () => caller.reach(url),
    close: () => caller.close(),
  }
}
