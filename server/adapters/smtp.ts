import { createHash } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { createTransport } from 'nodemailer'
import type { EmailContent } from '../core/render-contracts.ts'
import { SetupError } from '../errors.ts'
import type { Adapter, DeliverResult, OutgoingMessage } from './adapter.ts'
import { checkTimeout, DEFAULT_TIMEOUT_MS, withinTime } from './deadline.ts'
import { isMailbox, parseMailbox } from './mailbox.ts'
import { DELIVERY_HEADER, type Receiver } from './receivers/receiver.ts'
import { type SmtpError, smtpFailure } from './smtp-answer.ts'
import { parseSmtpUrl } from './smtp-url.ts'

/** A server's reply is a few lines; one that goes on is cut off with its connection. */
const REPLY_BYTES = 64 * 1024

export interface SmtpOptions {
  /** `smtp` by default. */
  name?: string
  /** `smtp://user:password@host:port`, or smtps. */
  url: string
  /** `no-reply@example.test` or `Example <no-reply@example.test>`. */
  from: string
  /** How long one call may take, in milliseconds; 10,000 by default. */
  timeoutMs?: number
  /** How many mails can be on their way at once, each on a connection of its own; 10 by default. More of them queue. */
  maxConnections?: number
  /** Reads the webhooks of the provider behind the server, such as `postmark(...)`; none are taken where left out. */
  feedback?: Receiver
}

/** The same on every try, so that whoever gets two copies can see that they are one message. */
const messageIdOf = (idempotencyKey: string, domain: string): string =>
  // Hashed, because a key may hold what a Message-ID may not.
  `<${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 40)}@${domain}>`

/** A line of a mail has an end, and a link cannot be folded: mailbox providers do not put it together again. */
const MAX_LINK_LENGTH = 998 - 'List-Unsubscribe: <>'.length

/** What makes a mailbox provider show its own way to unsubscribe, beside the sender (RFC 2369, RFC 8058). */
const listHeaders = ({
  unsubscribeUrl,
}: OutgoingMessage): Record<string, { readonly prepared: true; readonly value: string }> =>
  !unsubscribeUrl || unsubscribeUrl.length > MAX_LINK_LENGTH
    ? {}
    : {
        'List-Unsubscribe': { prepared: true, value: `<${unsubscribeUrl}>` },
        'List-Unsubscribe-Post': { prepared: true, value: 'List-Unsubscribe=One-Click' },
      }

/**
 * Sends e-mail through an SMTP server, over a pool of connections. A refusal of the mailbox (550, 551, 553, 5.1.x) is
 * a bounce, any other 5xx permanent, everything else temporary. What can be
 * switched off carries `List-Unsubscribe` and one-click `List-Unsubscribe-Post`. The header `X-Carillon-Delivery` names the delivery, and
 * so do those of `feedback`, by which the provider's webhooks find it.
 */
export const smtp = (options: SmtpOptions): Adapter<EmailContent> => {
  const { name = 'smtp', timeoutMs = DEFAULT_TIMEOUT_MS, maxConnections = 10, feedback } = options
  if (feedback !== undefined && typeof feedback?.receive !== 'function') {
    throw new SetupError('smtp: `feedback` must be a receiver, such as postmark(...) or mailgun(...)')
  }
  checkTimeout('smtp', timeoutMs)
  const server = parseSmtpUrl(options.url)
  const from = parseMailbox(options.from)
  if (!from) throw new SetupError('smtp: `from` must be one address, such as Example <no-reply@example.test>')
  const senderDomain = from.address.slice(from.address.lastIndexOf('@') + 1)
  // Empty for an address literal, which is ASCII as it stands.
  const domain = domainToASCII(senderDomain) || senderDomain

  const transport = createTransport({
    ...server,
    pool: true,
    maxConnections,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    // After an abort: a server that does not hang up is hung up on.
    socketCloseTimeout: 1_000,
    maxResponseSize: REPLY_BYTES,
    disableFileAccess: true,
    disableUrlAccess: true,
  })

  const send = async (message: OutgoingMessage<EmailContent>, signal: AbortSignal): Promise<DeliverResult> => {
    const { address, content, recipient } = message
    if (address === null) return { outcome: 'permanent', reason: 'missing_address' }
    if (!isMailbox(address)) return { outcome: 'bounced', reason: 'invalid_address' }
    try {
      const { messageId } = await transport.sendMail({
        from,
        // An object: a string would be read as a header, in which a comma makes two recipients.
        to: { name: '', address },
        subject: content.subject,
        html: content.html,
        text: content.text,
        messageId: messageIdOf(message.idempotencyKey, domain),
        headers: {
          ...listHeaders(message),
          ...feedback?.headers?.(message.deliveryId),
          [DELIVERY_HEADER]: message.deliveryId,
        },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      })
      return { outcome: 'accepted', providerMessageId: messageId }
    } catch (error) {
      const { email, phone, displayName } = recipient
      return smtpFailure(error as SmtpError, [address, content, email, phone, displayName, server.auth])
    }
  }

  /** Greets the server, logs in where there is a login, and hangs up. */
  const check = async (): Promise<string> => {
    try {
      await transport.verify()
    } catch (error) {
      throw new Error((smtpFailure(error as SmtpError, [server.auth]) as { readonly reason?: string }).reason)
    }
    return `${server.host}:${server.port} takes mail`
  }

  return {
    name,
    timeoutMs,
    needsAddress: true,
    deliver: (message, signal) => withinTime(signal, timeoutMs, (limited) => send(message, limited)),
    ...(feedback && { receive: (request) => feedback.receive(request) }),
    check,
    close: () => transport.close(),
  }
}
