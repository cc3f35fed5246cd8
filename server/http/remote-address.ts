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

/** Some proxies add the port, and brackets around IPv6 with it. */
const withoutPort = (address: string): string =>
  address.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')

/** What the last proxies were called by; each adds the address that it was called from at the end. */
const forwardedFor = ({ headers }: IncomingMessage, proxies: number): readonly string[] => {
  const given = headers['x-forwarded-for']
  if (proxies === 0 || given === undefined) return []
  return String(given)
    .split(',')
    .slice(-proxies)
    .map((address) => withoutPort(address.trim()))
}

const counted = (given: string): string | null => {
  if (!ipaddr.isValid(given)) return null
  const address = ipaddr.process(given)
  if (SHARED.has(address.range())) return null
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, IPV6_PREFIX_PARTS).join(':') : address.toString()
}

/**
 * By what a caller's address is counted: an IPv4 address, or the /64 of an IPv6 one. `proxies`: how many of them stand in
 * front and are to be believed about whom they were called by. Whoever leaves the outer ones out writes their part of the
 * header: what is loopback, private or no address there counts for nothing, and the next one does, in the end the
 * socket's own. `null` where none counts.
 */
export const countedAddress = (request: IncomingMessage, proxies: number): string | null => {
  for (const address of [...forwardedFor(request, proxies), request.socket.remoteAddress ?? '']) {
    const name = counted(address)
    if (name !== null) return name
  }
  return null
}
