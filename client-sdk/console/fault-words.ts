import { CarillonClientError } from '../error.ts'

/** Whether the key is not valid, or not any more. */
export const isRefused = (fault: unknown): boolean =>
  fault instanceof CarillonClientError && fault.code === 'UNAUTHENTICATED'

/** What went wrong, and what to do about it, for whoever looks at the page. */
export const faultWords = (fault: unknown): string => {
  if (!(fault instanceof CarillonClientError)) return `The page itself has a fault: ${String(fault)}`
  const { code, message, retryAfterSeconds } = fault
  switch (code) {
    case 'NETWORK_ERROR':
      return 'The server is away: no answer came. It may be restarting, or the network is down.'
    case 'UNAVAILABLE':
      return 'The server is there, but its database is away. Try again in a moment.'
    case 'RATE_LIMITED':
      return `Too much was asked for at once. Try again${retryAfterSeconds === null ? ' later' : ` in ${retryAfterSeconds} s`}.`
    case 'UNAUTHENTICATED':
      return 'This key is not valid: it was revoked, or is of another installation.'
    case 'FORBIDDEN':
      return `This key may not do that: the console needs one with scope OPERATE, of a tenant that is not disabled. ${message}.`
    case 'BAD_RESPONSE':
      return `What answered is not Carillon: ${message}`
    default:
      return message
  }
}
