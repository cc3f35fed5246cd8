/** The longest reason that is kept, in UTF-16 units. */
export const REASON_LENGTH = 300
/** More of a provider's answer is not looked at: an answer of megabytes must not cost more than a short one. */
export const SCANNED_LENGTH = 4_096
const SHORTEST_HIDDEN = 4
const REMOVED = '[removed]'

/** Every string in a value, however deep. A loop: a rendered content may be deeper than the stack. */
export const stringsIn = (value: unknown): string[] => {
  const found: string[] = []
  const rest = [value]
  while (rest.length > 0) {
    const next = rest.pop()
    if (typeof next === 'string') found.push(next)
    else if (typeof next === 'object' && next !== null) for (const inner of Object.values(next)) rest.push(inner)
  }
  return found
}

const escaped = (literal: string): string => literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')

/** Without the given strings, as they are or as JSON writes them: providers like to quote what they refuse. */
const withoutStrings = (text: string, hidden: readonly string[]): string => {
  let result = text
  let lower = result.toLowerCase()
  // Longest first, so that a string does not break a longer one that holds it.
  for (const secret of hidden.toSorted((a, b) => b.length - a.length)) {
    for (const literal of new Set([secret.trim(), JSON.stringify(secret).slice(1, -1)])) {
      if (literal.length < SHORTEST_HIDDEN || literal.length > text.length) continue
      if (!lower.includes(literal.toLowerCase())) continue
      result = result.replace(new RegExp(escaped(literal), 'gi'), REMOVED)
      lower = result.toLowerCase()
    }
  }
  return result
}

// By word and not by the grammar of addresses, which would leave half of the odd ones standing.
const withoutEmails = (text: string): string =>
  text.replace(/[^\s<>"'(),;[\]{}]+/g, (word) => (/@|＠|%40/.test(word) ? REMOVED : word))

// A status ("550 5.1.10") or an IPv4 address has the digits of a phone number, and is matched first to be kept.
const PHONE_OR_KEPT =
  /(\b[245]\d\d[ -][245]\.\d{1,3}\.\d{1,3}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b)|\+?\(?\d(?:[ ().\-/]{0,3}\d){6,}/g
const withoutPhones = (text: string): string =>
  text.replace(PHONE_OR_KEPT, (_match, kept: string | undefined) => kept ?? REMOVED)

/**
 * A provider's words as they may be stored and shown: one line of at most 300 characters, without e-mail addresses
 * and phone numbers, and without any string (of 4 characters or more) found in `hidden`: the address, the content,
 * the credentials. Also without what JSON in Postgres refuses, NUL and lone surrogates.
 */
export const providerReason = (text: string, hidden?: unknown): string => {
  const plain = text
    .slice(0, SCANNED_LENGTH)
    .replace(/\p{Cs}|\p{Cf}/gu, '')
    .replace(/[\p{Cc}\s]+/gu, ' ')
  const shown = withoutPhones(withoutEmails(withoutStrings(plain, stringsIn(hidden)))).trim()
  return shown.length <= REASON_LENGTH ? shown : `${shown.slice(0, REASON_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
