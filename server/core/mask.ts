import { parsePushSubscription } from './push-subscription.ts'

const EMAIL = /^\S+@[^\s/@"]+$/

/** A browser's push subscription shows its service, and the end of what it calls the browser. */
const maskedSubscription = (address: string): string | null => {
  const subscription = address.startsWith('{') ? parsePushSubscription(address, true) : null
  if (!subscription) return null
  const { host, pathname, search } = subscription.endpoint
  const name = `${pathname}${search}`
  return `${host}/…${name.length >= 16 ? name.slice(-4) : ''}`
}

/**
 * An address that can be told from others by who knows it, and not used by who does not: `a…@example.com`, `+49…17`,
 * `push.example.com/…x1Yz`.
 */
export const maskAddress = (address: string): string => {
  const subscription = maskedSubscription(address)
  if (subscription !== null) return subscription
  // By code points: half a character could not be stored.
  const characters = [...address]
  if (EMAIL.test(address)) return `${characters[0]}…${address.slice(address.lastIndexOf('@'))}`
  if (characters.length <= 6) return '…'
  return `${characters.slice(0, 3).join('')}…${characters.slice(-2).join('')}`
}
