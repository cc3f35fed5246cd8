const EMAIL = /^\S+@[^\s/@"]+$/

/** An address that can be told from others by who knows it, and not used by who does not: `a…@example.com`, `+49…17`. */
export const maskAddress = (address: string): string => {
  // By code points: half a character could not be stored.
  const characters = [...address]
  if (EMAIL.test(address)) return `${characters[0]}…${address.slice(address.lastIndexOf('@'))}`
  if (characters.length <= 6) return '…'
  return `${characters.slice(0, 3).join('')}…${characters.slice(-2).join('')}`
}
