import { createPublicKey, type KeyObject } from 'node:crypto'
import { WebhookUnavailableError } from '../adapter.ts'

/** How many keys are kept: a topic has one at a time, and a new one about once a year. */
const MAX_KEYS = 8
/** How many certificates may be on their way at once, whoever asks for them. */
const MAX_FETCHES = 8

const keyIn = (certificate: string): KeyObject => {
  try {
    const key = createPublicKey(certificate)
    if (key.asymmetricKeyType === 'rsa') return key
  } catch {
    // Told below, without quoting what was fetched.
  }
  throw new WebhookUnavailableError('Amazon SNS answered with something that is no certificate of an RSA key')
}

/**
 * Finds the public key of the certificate at an address, and keeps it: what lies at one of these addresses never
 * changes. A failure is not kept, and says that the webhook is to be sent again. Several that ask at once share one
 * fetch, and the oldest of 8 keys makes room.
 */
export const snsKeys = (fetchCertificate: (url: string) => Promise<string>): ((url: string) => Promise<KeyObject>) => {
  const keys = new Map<string, KeyObject>()
  const fetches = new Map<string, Promise<KeyObject>>()

  const fetchKey = async (url: string): Promise<KeyObject> => {
    try {
      const certificate = await fetchCertificate(url).catch((error: unknown) => {
        if (error instanceof WebhookUnavailableError) throw error
        throw new WebhookUnavailableError('the certificate of Amazon SNS cannot be fetched')
      })
      const key = keyIn(certificate)
      keys.set(url, key)
      const [oldest] = keys.keys()
      if (keys.size > MAX_KEYS && oldest !== undefined) keys.delete(oldest)
      return key
    } finally {
      fetches.delete(url)
    }
  }

  return async (url) => {
    const known = keys.get(url) ?? fetches.get(url)
    if (known) return known
    if (fetches.size >= MAX_FETCHES)
      throw new WebhookUnavailableError('too many certificates of Amazon SNS are being fetched')
    const fetched = fetchKey(url)
    fetches.set(url, fetched)
    return fetched
  }
}
