import { createECDH } from 'node:crypto'
import { SetupError } from '../errors.ts'

/** With what a sender proves to push services who it is. */
export interface Vapid {
  readonly publicKey: string
  readonly privateKey: string
  readonly subject: string
}

const KEYS = '; `npx web-push generate-vapid-keys` makes a pair'

const bytesOf = (text: unknown, length: number): Buffer | null => {
  if (typeof text !== 'string' || !/^[\w-]+$/.test(text)) return null
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === length ? bytes : null
}

const publicKeyOf = (privateKey: Buffer): Buffer | null => {
  try {
    const curve = createECDH('prime256v1')
    curve.setPrivateKey(privateKey)
    return curve.getPublicKey()
  } catch {
    return null
  }
}

// Apple refuses a token over a space or a bracket in its subject, and one that names localhost.
const isSubject = (subject: unknown): boolean => {
  if (typeof subject !== 'string' || /[\s<>]/.test(subject) || !URL.canParse(subject)) return false
  const { protocol, hostname } = new URL(subject)
  return protocol === 'mailto:' ? /^mailto:.+@.+$/.test(subject) : protocol === 'https:' && hostname !== 'localhost'
}

/** Refuses what push services would refuse later, one message at a time; the errors quote no key. */
export const checkVapid = ({ publicKey, privateKey, subject }: Vapid): Vapid => {
  const shown = bytesOf(publicKey, 65)
  if (!shown) throw new SetupError(`webPush: \`publicKey\` must be the base64url of 65 bytes${KEYS}`)
  const secret = bytesOf(privateKey, 32)
  const derived = secret && publicKeyOf(secret)
  if (!derived) throw new SetupError(`webPush: \`privateKey\` must be the base64url of 32 bytes${KEYS}`)
  if (!derived.equals(shown)) {
    throw new SetupError(`webPush: \`publicKey\` and \`privateKey\` do not belong together${KEYS}`)
  }
  if (!isSubject(subject)) {
    throw new SetupError(
      'webPush: `subject` must say whom push services can turn to, such as mailto:ops@example.test or https://example.test',
    )
  }
  return { publicKey, privateKey, subject }
}
