import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** What an unsubscribe link switches off: one recipient's e-mail of a category, or of a notifier that has none. */
export interface UnsubscribeSubject {
  readonly tenantId: string
  readonly recipientId: string
  readonly channel: 'email'
  /** `null` where the notifier has none: then its key is what is switched off. */
  readonly category: string | null
  /** `null` where the category is what is switched off. */
  readonly notificationKey: string | null
}

export interface UnsubscribeTokens {
  /** The same for the same subject, for ever: a mailbox keeps mail for longer than any key would be kept. */
  seal(subject: UnsubscribeSubject): string
  /** What a token is for; `null` where it was never issued. */
  open(token: string): UnsubscribeSubject | null
}

const PATH = '/unsubscribe/'

/** Where a token's page is. */
export const unsubscribePath = (token: string): string => `${PATH}${token}`

/** The token in a path; `null` where the path is another page's. */
export const unsubscribeTokenIn = (path: string): string | null =>
  path.startsWith(PATH) ? path.slice(PATH.length) : null

const TAG_BYTES = 16

const readSubject = (plain: Buffer): UnsubscribeSubject => {
  const [tenantId, recipientId, channel, category, notificationKey] = JSON.parse(plain.toString())
  return { tenantId, recipientId, channel, category, notificationKey }
}

/** The tag is the cipher's starting value too, so that no randomness is needed, and a changed token does not open. */
const tokensOf = (secretKey: string): UnsubscribeTokens => {
  const keys = Buffer.from(hkdfSync('sha256', secretKey, '', 'carillon unsubscribe links', 64))
  const [signing, sealing] = [keys.subarray(0, 32), keys.subarray(32)]
  const tagOf = (plain: Buffer): Buffer => createHmac('sha256', signing).update(plain).digest().subarray(0, TAG_BYTES)
  return {
    seal: ({ tenantId, recipientId, channel, category, notificationKey }) => {
      const plain = Buffer.from(JSON.stringify([tenantId, recipientId, channel, category, notificationKey]))
      const tag = tagOf(plain)
      const cipher = createCipheriv('aes-256-ctr', sealing, tag)
      return Buffer.concat([tag, cipher.update(plain), cipher.final()]).toString('base64url')
    },
    open: (token) => {
      const bytes = Buffer.from(token, 'base64url')
      // There is one way to write a token; base64 by itself would let several pass.
      if (bytes.length <= TAG_BYTES || bytes.toString('base64url') !== token) return null
      const tag = bytes.subarray(0, TAG_BYTES)
      const decipher = createDecipheriv('aes-256-ctr', sealing, tag)
      const plain = Buffer.concat([decipher.update(bytes.subarray(TAG_BYTES)), decipher.final()])
      return timingSafeEqual(tagOf(plain), tag) ? readSubject(plain) : null
    },
  }
}

/**
 * Seals what a link is for, so that neither a mail server nor a log on the way can read whom it is about. What an earlier
 * key has sealed opens too.
 */
export const unsubscribeTokens = (secretKey: string, earlierKeys: readonly string[] = []): UnsubscribeTokens => {
  const own = tokensOf(secretKey)
  const earlier = earlierKeys.map(tokensOf)
  return {
    seal: own.seal,
    open: (token) => {
      for (const { open } of [own, ...earlier]) {
        const subject = open(token)
        if (subject) return subject
      }
      return null
    },
  }
}
