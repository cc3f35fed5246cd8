import { createHmac } from 'node:crypto'
import { SetupError } from '../../errors.ts'
import { type WebhookRequest, WebhookSignatureError } from '../adapter.ts'
import { base64Bytes, checkFresh, MISSING, type Now, sameText, secondsIn, WRONG } from './verification.ts'

/** More than any rotation of secrets needs; without a limit, a header is work for whoever sends it. */
const MAX_SIGNATURES = 32

/** The key in a secret such as `whsec_…`; a `SetupError` where it is none, or weaker than 24 bytes. */
export const signingKey = (subject: string, secret: string): Buffer => {
  const bytes = base64Bytes(/^whsec_(.+)$/.exec(String(secret))?.[1])
  if (bytes && bytes.length >= 24 && bytes.length <= 64) return bytes
  throw new SetupError(`${subject}: \`secret\` must be \`whsec_\` followed by the base64 of 24 to 64 random bytes`)
}

/**
 * Verifies a request that is signed as Standard Webhooks say, and returns the message's id, which stays the same when
 * the sender tries again. Of the schemes, `v1` counts (HMAC-SHA256); signatures of others beside it are passed over.
 * Over the raw bytes: the library of that name signs bodies with different invalid UTF-8 alike.
 */
export const verifyStandardSignature = (
  { headers, rawBody }: WebhookRequest,
  { key, prefix, now }: { readonly key: Buffer; readonly prefix: 'webhook' | 'svix'; readonly now: Now },
): string => {
  const id = headers[`${prefix}-id`]
  const timestamp = headers[`${prefix}-timestamp`]
  const signatures = headers[`${prefix}-signature`]?.split(' ') ?? []
  if (!id || !/^[\x21-\x7e]{1,255}$/.test(id)) throw new WebhookSignatureError(MISSING)
  // A header that came twice is joined with commas, and is no signature any more.
  if (signatures.length > MAX_SIGNATURES || !signatures.every((one) => /^[a-z0-9]+,[A-Za-z0-9+/=]+$/.test(one))) {
    throw new WebhookSignatureError(MISSING)
  }
  checkFresh(secondsIn(timestamp), now)
  const expected = `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(rawBody).digest('base64')}`
  if (!signatures.some((one) => sameText(one, expected))) throw new WebhookSignatureError(WRONG)
  return id
}
