import { createHash, timingSafeEqual } from 'node:crypto'
import { WebhookSignatureError } from '../adapter.ts'

/** How far a signature's time may lie from ours, in seconds, in both directions. */
export const TOLERANCE_SECONDS = 300

/** A clock: milliseconds since 1970. */
export type Now = () => number

/** Constant words only: these messages are logged, and what was sent may be a secret or a forger's. */
export const MISSING = 'the signature is missing or malformed'
export const WRONG = 'the signature is wrong'
export const FOREIGN_TOPIC = 'the message is of another topic'
export const RELATIVE_URL = 'the url of the request is not absolute'
const STALE = 'the signature is too old, or from the future'
const FAULTS: ReadonlySet<string | undefined> = new Set([MISSING, WRONG, STALE, FOREIGN_TOPIC, RELATIVE_URL])

/** Whether a message is one of these, and holds nothing of what was sent. */
export const isSignatureFault = (message: string | undefined): message is string => FAULTS.has(message)

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whether two texts are the same, in a time that tells nothing about where they differ or how long they are. */
export const sameText = (given: string, expected: string): boolean => timingSafeEqual(digest(given), digest(expected))

/** Refuses a signature whose time, in seconds since 1970, lies too far from now. */
export const checkFresh = (seconds: number, now: Now, maxAgeSeconds = TOLERANCE_SECONDS): void => {
  const age = now() / 1_000 - seconds
  if (age <= maxAgeSeconds && age >= -TOLERANCE_SECONDS) return
  throw new WebhookSignatureError(STALE)
}

/** The seconds in a header or field that holds nothing but digits: `parseInt` would read `123abc`, ` 123` and `123.9` too. */
export const secondsIn = (text: string | undefined): number => {
  if (text === undefined || !/^\d{1,12}$/.test(text)) throw new WebhookSignatureError(MISSING)
  return Number(text)
}

/** The bytes of padded base64, and of nothing that a lenient decoder would make base64; `null` for anything else. */
export const base64Bytes = (text: string | undefined): Buffer | null => {
  if (!text || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}
