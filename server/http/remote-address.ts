import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'

/** Behind one of these stands this machine, or a proxy with everybody. */
const SHARED: ReadonlySet<string> = new Set([
  'unspecified',
  'loopback',
  'private',
  'linkLocal',
  'uniqueLocal',
  'carrierGradeNat',
])

/** IPv6 is handed out to one customer by so many bits and more. */
const IPV6_PREFIX_PARTS = 4

/** What came in front of the last proxies; each adds the address that it was called from at the end. */
const forwardedFor = ({ headers }: IncomingMessage, proxies: number): string | undefined => {
  const given = headers['x-forwarded-for']
  const addresses = (Array.isArray(given) ? given.join() : (given ?? '')).split(',')
  const address = addresses.at(-proxies)?.trim()
  // Some add the port, and brackets around IPv6 with it.
  return address?.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
}

/**
 * By what a caller's address is counted: an IPv4 address, or the /64 of an IPv6 one. `null` for loopback and private
 * addresses. `proxies`: how many of them stand in front and
 * are to be believed about whom they were called by.
 */
export const countedAddress = (request: IncomingMessage, proxies: number): string | null => {
  const given = (proxies > 0 && forwardedFor(request, proxies)) || request.socket.remoteAddress
  if (!given || !ipaddr.isValid(given)) return null
  const address = ipaddr.process(given)
  if (SHARED.has(address.range())) return null
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, IPV6_PREFIX_PARTS).join(':') : address.toString()
}
