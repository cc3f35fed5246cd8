import { createPublicKey, createVerify, type KeyObject } from 'node:crypto'
import { SetupError } from '../../errors.ts'
import { type ProviderEvent, type WebhookRequest, WebhookSignatureError } from '../adapter.ts'
import { type Fields, fieldsOf, jsonIn, kindIn, providerEvent, textIn, withinBatch } from './payload.ts'
import { DELIVERY_KEY, type Receiver } from './receiver.ts'
import { base64Bytes, checkFresh, MISSING, type Now, secondsIn, WRONG } from './verification.ts'

const SIGNATURE = 'x-twilio-email-event-webhook-signature'
const TIMESTAMP = 'x-twilio-email-event-webhook-timestamp'

/** Why SendGrid drops a mail unsent, where the reason lies in the address. */
const BAD_ADDRESS = new Set(['bounced address', 'invalid'])

const statusOf = (event: Fields): ProviderEvent['status'] | null => {
  switch (kindIn(event, 'event')) {
    case 'delivered':
      return 'delivered'
    case 'bounce':
      // Blocked and expired: this mail was refused, not its address.
      return event.type === 'blocked' || event.type === 'expired' ? 'failed' : 'bounced'
    case 'dropped':
      return BAD_ADDRESS.has(String(event.reason).toLowerCase()) ? 'bounced' : 'failed'
    case 'spamreport':
      return 'complained'
    default:
      // Deferred is among these: SendGrid goes on trying for three days and says how it ends. A second copy sent
      // meanwhile would arrive as well.
      return null
  }
}

const keyOf = (publicKey: string): KeyObject => {
  const fault = 'sendgrid: `publicKey` must be the verification key that SendGrid shows for the webhook, in base64'
  let key: KeyObject
  try {
    key = String(publicKey).includes('-----BEGIN')
      ? createPublicKey(publicKey)
      : createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' })
  } catch {
    throw new SetupError(fault)
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new SetupError(fault)
  return key
}

const verify = ({ headers, rawBody }: WebhookRequest, key: KeyObject, now: Now): void => {
  const signature = base64Bytes(headers[SIGNATURE])
  if (!signature) throw new WebhookSignatureError(MISSING)
  const timestamp = headers[TIMESTAMP]
  checkFresh(secondsIn(timestamp), now)
  const right = createVerify('sha256').update(`${timestamp}`).update(rawBody).verify(key, signature)
  if (!right) throw new WebhookSignatureError(WRONG)
}

export interface SendgridOptions {
  /** The verification key of the signed event webhook, in base64 or PEM. */
  publicKey: string
  /** In place of the system's clock. */
  now?: Now
}

/**
 * SendGrid's signed event webhook, in batches: delivered, bounce (blocked: failed), dropped (a bad address: bounced, else
 * failed) and spamreport. The delivery's id travels in the mail's unique arguments. Signatures are good for 5 minutes.
 */
export const sendgrid = ({ publicKey, now = Date.now }: SendgridOptions): Receiver => {
  const key = keyOf(publicKey)
  const read = (entry: unknown): ProviderEvent[] => {
    const event = fieldsOf(entry)
    if (!event) throw new Error('the body holds something that is not an event')
    const status = statusOf(event)
    if (!status) return []
    return [
      providerEvent(status, {
        providerEventId: event.sg_event_id,
        deliveryId: event[DELIVERY_KEY],
        providerMessageId: event.sg_message_id,
      }),
    ]
  }
  return {
    headers: (deliveryId) => ({ 'X-SMTPAPI': JSON.stringify({ unique_args: { [DELIVERY_KEY]: deliveryId } }) }),
    receive(request) {
      verify(request, key, now)
      const body = jsonIn(textIn(request.rawBody))
      return withinBatch((Array.isArray(body) ? body : [body]).flatMap(read))
    },
  }
}
