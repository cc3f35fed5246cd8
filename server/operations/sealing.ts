import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { SecretEntry } from '../core/secret-fields.ts'

interface EventKey {
  readonly tenantId: string
  readonly id: string
}

/** Keeps secret fields where only this server's key opens them, and tells equal ones apart without showing them. */
export interface Sealing {
  /** The secret fields of one event, for this event's row alone. */
  seal(event: EventKey, secrets: readonly SecretEntry[]): Buffer
  /** What was sealed for this event; `null` where another key sealed it, or it was changed or is another event's. */
  open(event: EventKey, sealed: Uint8Array): readonly SecretEntry[] | null
  /** The same for the same text, and nothing that the text could be guessed by without the key. */
  mark(text: string): string
  /** The marks that earlier keys of the server gave, for each of them. */
  readonly earlierMarks: readonly ((text: string) => string)[]
}

/*
 *   version (1 byte) │ nonce (12 bytes) │ tag (16 bytes) │ ciphertext
 *
 * The version says which cipher, which derivation and what is inside; another one may say which key as well.
 */
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES

const ALGORITHM = 'aes-256-gcm'

const additional = ({ tenantId, id }: EventKey): Buffer => Buffer.from(JSON.stringify([VERSION, tenantId, id]))

/** With keys of its own, derived from the server's secret. */
const sealingWith = (secretKey: string): Omit<Sealing, 'earlierMarks'> => {
  const derive = (label: string) => Buffer.from(hkdfSync('sha256', secretKey, '', label, 32))
  const sealingKey = derive('carillon sealed payloads')
  const markingKey = derive('carillon secret fingerprints')

  return {
    seal(event, secrets) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(ALGORITHM, sealingKey, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(additional(event))
      const body = Buffer.concat([cipher.update(JSON.stringify(secrets)), cipher.final()])
      return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body])
    },
    open(event, sealed) {
      const bytes = Buffer.from(sealed)
      if (bytes[0] !== VERSION || bytes.length < HEAD_BYTES) return null
      const decipher = createDecipheriv(ALGORITHM, sealingKey, bytes.subarray(1, 1 + NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(additional(event))
      decipher.setAuthTag(bytes.subarray(1 + NONCE_BYTES, HEAD_BYTES))
      try {
        const body = Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES)), decipher.final()])
        return JSON.parse(body.toString()) as readonly SecretEntry[]
      } catch {
        return null
      }
    },
    mark: (text) => createHmac('sha256', markingKey).update(text).digest('base64url'),
  }
}

/** Seals with the server's key, and opens what that or an earlier one has sealed. */
export const createSealing = (secretKey: string, earlierKeys: readonly string[] = []): Sealing => {
  const own = sealingWith(secretKey)
  const earlier = earlierKeys.map(sealingWith)
  return {
    seal: own.seal,
    open: (event, sealed) => {
      for (const { open } of [own, ...earlier]) {
        const secrets = open(event, sealed)
        if (secrets) return secrets
      }
      return null
    },
    mark: own.mark,
    earlierMarks: earlier.map(({ mark }) => mark),
  }
}
