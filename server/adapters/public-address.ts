import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { buildConnector } from 'undici'

/** A connection was refused because it would have led to an address that is not public. */
export class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddressError'
  constructor() {
    super('the address is not public')
  }
}

/**
 * Whether an IP address is one of the public internet's: not loopback, private, link-local, carrier-grade NAT,
 * multicast, reserved or a tunnel to one of these. Anything that is no IP address is not.
 */
export const isPublicAddress = (address: string): boolean => {
  if (isIP(address) === 0) return false
  // Unwraps ::ffff:a.b.c.d, which reaches the IPv4 address inside.
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  // Of IPv6 only 2000::/3 is handed out; ipaddr.js calls the rest unicast too, ::127.0.0.1 among it.
  return parsed instanceof ipaddr.IPv4 || (parsed.parts[0] ?? 0) >> 13 === 1
}

/** A lookup that answers only if every address of the name is public, so that the socket can take any of them. */
export const publicLookup =
  (lookup: LookupFunction): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found, family) => {
      if (error) return callback(error, '')
      const addresses = typeof found === 'string' ? [{ address: found, family: family ?? isIP(found) }] : found
      const [first] = addresses
      if (!first || !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(new BlockedAddressError(), '')
      }
      if (options.all) return callback(null, addresses)
      callback(null, first.address, first.family)
    })
  }

/**
 * A connector for undici that opens no connection to an address that is not public (`BlockedAddressError`). It checks
 * at connect time and hands the socket the very addresses that it has checked, so that a name that resolves
 * differently a moment later gains nothing.
 */
export const publicConnector = (options: {
  /** Milliseconds to connect in. */
  timeout: number
  lookup?: LookupFunction | undefined
}): buildConnector.connector => {
  const connect = buildConnector({ timeout: options.timeout, lookup: publicLookup(options.lookup ?? systemLookup) })
  return (target, callback) => {
    // A socket does not look up an address that is written out, so the lookup alone would let it through.
    if (isIP(target.hostname) !== 0 && !isPublicAddress(target.hostname)) {
      process.nextTick(callback, new BlockedAddressError(), null)
      return
    }
    connect(target, callback)
  }
}
