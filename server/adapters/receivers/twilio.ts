import { createHmac } from 'node:crypto'
import { SetupError } from '../../errors.ts'
import { type ProviderEvent, type WebhookRequest, WebhookSignatureError } from '../adapter.ts'
import { idIn, providerEvent, textIn } from './payload.ts'
import { DELIVERY_KEY, type Receiver } from './receiver.ts'
import { base64Bytes, MISSING, RELATIVE_URL, sameText, WRONG } from './verification.ts'

/** Twilio's codes for numbers that no text message reaches: invalid, no such handset, a landline. */
const BAD_NUMBER = new Set(['21211', '21217', '21265', '21268', '21614', '21635', '30005', '30006'])

const statusOf = (form: URLSearchParams): ProviderEvent['status'] | null => {
  switch (form.get('MessageStatus')) {
    case 'delivered':
      return 'delivered'
    case 'failed':
    case 'undelivered':
      return BAD_NUMBER.has(form.get('ErrorCode') ?? '') ? 'bounced' : 'failed'
    default:
      return null
  }
}

const formIn = (rawBody: Uint8Array): URLSearchParams => {
  try {
    return new URLSearchParams(textIn(rawBody))
  } catch {
    throw new WebhookSignatureError(MISSING)
  }
}

/** The address as Twilio may have signed it: whether a port stands in it differs from one webhook to the next. */
const spellings = (url: string): string[] => {
  const { protocol, username, password, hostname, port, pathname, search } = new URL(url)
  const login = username && `${username}${password && `:${password}`}@`
  const withPort = (text: string): string => `${protocol}//${login}${hostname}${text}${pathname}${search}`
  return [url, withPort(`:${port || (protocol === 'https:' ? '443' : '80')}`), withPort('')]
}

/** Each name with each of its values, once, in order. */
const signedForm = (form: URLSearchParams): string =>
  [...new Set(form.keys())]
    .sort()
    .flatMap((name) => [...new Set(form.getAll(name))].sort().map((value) => name + value))
    .join('')

const baseOf = (publicUrl: string): string => {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : null
  if (url && /^https?:$/.test(url.protocol) && !url.search && !url.hash) return publicUrl.replace(/\/+$/, '')
  throw new SetupError('twilio: `publicUrl` must be an http or https address, such as https://notify.example.test')
}

export interface TwilioReceiverOptions {
  /** The account's primary auth token, with which Twilio signs. */
  authToken: string
  /** Where Twilio finds this server, if a proxy makes it another address than requests show; their path is appended. */
  publicUrl?: string
}

/**
 * Twilio's status callbacks: delivered, and undelivered or failed (a number that cannot be reached: bounced, else failed).
 * The delivery is found by the message's `sid`, or by `carillon-delivery-id` in the callback's address. Twilio's
 * signature holds no time; the event's id is made of `sid` and status, so that a repeated one is the same event.
 */
export const twilioReceiver = ({ authToken, publicUrl }: TwilioReceiverOptions): Receiver => {
  if (typeof authToken !== 'string' || authToken === '') {
    throw new SetupError('twilio: `authToken` must be the token of the account')
  }
  const base = publicUrl === undefined ? null : baseOf(publicUrl)

  const urlOf = (request: WebhookRequest): string => {
    const absolute = URL.canParse(request.url)
    if (!base) {
      if (absolute) return request.url
      throw new WebhookSignatureError(RELATIVE_URL)
    }
    return base + (absolute ? request.url.replace(/^[^/]+\/\/[^/?#]*/, '') : request.url)
  }

  return {
    receive(request) {
      const given = request.headers['x-twilio-signature']
      if (!given || base64Bytes(given)?.length !== 20) throw new WebhookSignatureError(MISSING)
      const url = urlOf(request)
      const form = formIn(request.rawBody)
      const signed = signedForm(form)
      const expected = spellings(url).map((one) =>
        createHmac('sha1', authToken)
          .update(one + signed)
          .digest('base64'),
      )
      if (!expected.some((one) => sameText(given, one))) throw new WebhookSignatureError(WRONG)

      const sid = form.get('MessageSid')
      // Letters and digits alone: Twilio signs names and values without anything between them, and a longer value
      // could have swallowed the names after it.
      if (!idIn(sid) || !/^[A-Za-z0-9]+$/.test(sid ?? '')) throw new Error('the body has no `MessageSid`')
      const status = statusOf(form)
      if (!status) return []
      const providerEventId = `${sid}:${form.get('MessageStatus')}`
      const deliveryId = new URL(url).searchParams.get(DELIVERY_KEY)
      return [providerEvent(status, { providerEventId, deliveryId, providerMessageId: sid })]
    },
  }
}
