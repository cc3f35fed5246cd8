import { z } from 'zod'
import type { DeliverResult } from './adapter.ts'
import type { Refusal } from './http-call.ts'

/** Twilio's own numbers for what went wrong, as its error dictionary has them. */
const BAD_NUMBER: ReadonlySet<number> = new Set([
  21211, // The number is not valid.
  21217, // The number does not appear to be valid.
  21265, // A short code, which cannot receive.
  21268, // A premium rate or information service.
  21614, // Not a mobile number.
  21635, // A landline.
])
// Not among them: 21401 is about the sender's number, 21610 (unsubscribed) and 21612 (unreachable from this sender)
// about the pair of both, and another sender may well reach it.

/** These pass, or wait for whoever keeps the account; the message is not at fault. */
const WAITS: ReadonlySet<number> = new Set([
  10001, // The account is not active.
  20003, // Wrong credentials.
  20403, // The account is suspended or closed.
  20429, // Too many requests.
  21611, // The sender's queue is full.
  60728, // The account's hourly limit.
  63017, // The account's rate limit.
  63038, // The account's daily limit.
  70051, // The credentials lack a permission.
  90010, // The account is not active.
])

const refusal = z.object({ code: z.int(), message: z.string().catch('') })
const created = z.object({ sid: z.string().regex(/^\w{1,64}$/) })

const readAs = <T extends z.ZodType>(schema: T, body: string): z.output<T> | null => {
  try {
    return schema.safeParse(JSON.parse(body)).data ?? null
  } catch {
    return null
  }
}

/** A 2xx: accepted whatever stands in it, with the message's `sid` where there is one. */
export const twilioAccepted = (body: string): DeliverResult => {
  const sid = readAs(created, body)?.sid
  return sid === undefined ? { outcome: 'accepted' } : { outcome: 'accepted', providerMessageId: sid }
}

/** Any other status, by Twilio's code where it gives one. */
export const twilioRefused = (status: number, body: string): Refusal | null => {
  const { code, message } = readAs(refusal, body) ?? { code: 0, message: '' }
  const words = code === 0 ? body : `code ${code}: ${message}`
  if (status >= 500 || status === 408 || status === 429 || WAITS.has(code)) return { outcome: 'temporary', words }
  if (BAD_NUMBER.has(code)) return { outcome: 'bounced', words }
  // A login that is refused can be mended while the message waits; 21xxx is about the message, whatever its status.
  const isLogin = (status === 401 || status === 403) && Math.floor(code / 1_000) !== 21
  return { outcome: isLogin ? 'temporary' : 'permanent', words }
}
