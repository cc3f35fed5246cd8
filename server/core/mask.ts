/** An address that can be told from others by who knows it, and not used by who does not: `a…@example.com`, `+49…17`. */
export const maskAddress = (address: string): string => {
  const at = address.lastIndexOf('@')
  if (at > 0) return `${address.slice(0, 1)}…${address.slice(at)}`
  if (address.length <= 6) return '…'
  return `${address.slice(0, 3)}…${address.slice(-2)}`
}
