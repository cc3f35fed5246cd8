import type { SmsContent } from '../core/render-contracts.ts'
import { SetupError } from '../errors.ts'
import type { Adapter, DeliverResult, OutgoingMessage } from './adapter.ts'
import { checkTimeout, DEFAULT_TIMEOUT_MS, withinTime } from './deadline.ts'
import { httpCaller, parseHttpUrl } from './http-call.ts'
import { DELIVERY_KEY } from './receivers/receiver.ts'
import { twilioReceiver } from './receivers/twilio.ts'
import { twilioAccepted, twilioRefused } from './twilio-answer.ts'

export interface TwilioOptions {
  /** `twilio` by default. */
  name?: string
  /** `AC…`, of the account that sends. */
  accountSid: string
  authToken: string
  /** A number such as +15005550006, a short code, an alphanumeric sender, or a messaging service (`MG…`). */
  from: string
  /** `https://api.twilio.com` by default; another for another region, or for a server of your own in front of it. */
  baseUrl?: string
  /** How long one call may take, in milliseconds; 10,000 by default. */
  timeoutMs?: number
}

const checkCredentials = ({ accountSid, authToken, from }: TwilioOptions): void => {
  if (!/^AC\w+$/.test(String(accountSid))) {
    throw new SetupError('twilio: `accountSid` must be the account\'s id, which begins with "AC"')
  }
  if (typeof authToken !== 'string' || !/^[\x21-\x7e]+$/.test(authToken)) {
    throw new SetupError('twilio: `authToken` must be the token of the account, without spaces around it')
  }
  if (typeof from !== 'string' || from.trim() !== from || from === '' || /\p{Cc}/u.test(from)) {
    throw new SetupError('twilio: `from` must be a sender of the account, such as +15005550006')
  }
}

const endpointOf = ({ accountSid, baseUrl = 'https://api.twilio.com' }: TwilioOptions): URL => {
  const subject = 'twilio: `baseUrl`'
  const base = parseHttpUrl(baseUrl, {
    subject,
    example: 'https://api.twilio.com',
    instead: 'they are `accountSid` and `authToken`',
  })
  if (base.search || base.hash) throw new SetupError(`${subject} must not hold a query or a fragment`)
  return new URL(`${base.href.replace(/\/+$/, '')}/2010-04-01/Accounts/${accountSid}/Messages.json`)
}

/** Where Twilio is to say what became of a message, and of which delivery it is. */
const callbackOf = ({ webhookUrl, deliveryId }: OutgoingMessage): { StatusCallback?: string } => {
  if (webhookUrl === undefined) return {}
  const url = new URL(webhookUrl)
  url.searchParams.set(DELIVERY_KEY, deliveryId)
  return { StatusCallback: url.href }
}

/** The form's values as they are sent: an answer may quote them in that shape. */
const encodedValues = (form: Record<string, string>): string[] =>
  Object.values(form).map((value) => new URLSearchParams([['', value]]).toString().slice(1))

/**
 * Sends text messages through Twilio. A number that cannot be sent to (21211, 21217, 21265, 21268, 21614, 21635) is a
 * bounce; 408, 429 (`Retry-After` honoured up to 24 hours), 5xx, refused credentials, an account's limits and no answer
 * are temporary; everything else is permanent, a recipient who unsubscribed (21610) too. The message's `sid` is kept.
 * Takes Twilio's status callbacks, which each message asks for where `CARILLON_PUBLIC_URL` is set; where it is not, they
 * find their message by its `sid`, if a messaging service is told to send them.
 */
export const twilio = (options: TwilioOptions): Adapter<SmsContent> => {
  const { name = 'twilio', accountSid, authToken, from, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  checkTimeout('twilio', timeoutMs)
  checkCredentials(options)
  const url = endpointOf(options)
  const feedback = twilioReceiver({ authToken })
  const login = Buffer.from(`${accountSid}:${authToken}`).toString('base64')
  const sender = /^MG[0-9a-f]{32}$/i.test(from) ? { MessagingServiceSid: from } : { From: from }
  // Whoever configures Twilio chose the address: nothing of a recipient's goes into it.
  const caller = httpCaller({ timeoutMs, allowPrivateAddresses: true })

  const send = async (message: OutgoingMessage<SmsContent>, signal: AbortSignal): Promise<DeliverResult> => {
    const { address, content, recipient } = message
    if (address === null) return { outcome: 'permanent', reason: 'missing_address' }
    const form = { To: address, ...sender, Body: content.text, ...callbackOf(message) }
    return caller.post(
      {
        url,
        headers: {
          authorization: `Basic ${login}`,
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          // Twilio sends this header with its own webhooks, and says of sending an SMS that it is not idempotent: it is
          // here for a server in front of Twilio, and `idempotent` stays unset.
          'i-twilio-idempotency-token': message.idempotencyKey,
        },
        body: new URLSearchParams(form).toString(),
        hidden: [
          [accountSid, authToken, login],
          [address, content, recipient.email, recipient.phone, recipient.displayName],
          encodedValues(form),
        ],
        accepted: twilioAccepted,
        refused: twilioRefused,
      },
      signal,
    )
  }

  return {
    name,
    timeoutMs,
    needsAddress: true,
    deliver: (message, signal) => withinTime(signal, timeoutMs, (limited) => send(message, limited)),
    receive: (request) => feedback.receive(request),
    check: () => caller.reach(url),
    close: () => caller.close(),
  }
}
