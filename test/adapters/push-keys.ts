import { createECDH, randomBytes } from 'node:crypto'

/** A pair of VAPID keys, as base64url. */
export const vapidKeys = (): { publicKey: string; privateKey: string } => {
  const curve = createECDH('prime256v1')
  const publicKey = curve.generateKeys('base64url')
  // A private key that begins with a zero byte comes out shorter.
  return {
    publicKey,
    privateKey: Buffer.from(curve.getPrivateKey('hex').padStart(64, '0'), 'hex').toString('base64url'),
  }
}

/** A browser's subscription as JSON, at a push service that it was told of. */
export const subscriptionAt = (endpoint: string): string => {
  const keys = {
    p256dh: createECDH('prime256v1').generateKeys('base64url'),
    auth: randomBytes(16).toString('base64url'),
  }
  return JSON.stringify({ endpoint, expirationTime: null, keys })
}
