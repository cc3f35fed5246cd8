const REMOVED = '[removed]'
/** A shorter one is looked for as a word of its own: as a part of others it would be found everywhere. */
const SHORTEST_PART = 4

const WORD = /[^\s"'`<>(){}[\],;=]+/g
// What stands at the end is looked for from where it begins, and not from each of its characters.
const EDGES = /^[^\p{L}\p{N}]+|(?<![^\p{L}\p{N}])[^\p{L}\p{N}]+$/gu

/** As it may be written where it is quoted. */
const spellings = (secret: string): readonly string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret.replace(/\p{Cs}/gu, '')),
]

/** Whether a text quotes one of these secrets. */
export const quotesSecret = (text: string, secrets: readonly string[]): boolean => {
  const lower = text.toLowerCase()
  const words = new Set(lower.match(WORD)?.flatMap((word) => [word, word.replace(EDGES, '')]))
  return secrets.flatMap(spellings).some((secret) => {
    const wanted = secret.toLowerCase()
    return wanted.length < SHORTEST_PART ? words.has(wanted) : lower.includes(wanted)
  })
}

/**
 * A text without the words that these secrets have in common with it, whole or in part: whoever quotes a secret may cut
 * it short, or quote what was made of it, so what holds secrets (rendered content) is to be given as well.
 */
export const withoutSecretWords = (text: string, secrets: readonly string[], holders: readonly string[]): string => {
  const hidden = secrets.flatMap(spellings).map((secret) => secret.toLowerCase())
  const around = [...hidden, ...holders.map((holder) => holder.toLowerCase())]
  const long = hidden.filter((secret) => secret.length >= SHORTEST_PART)
  const short = new Set(hidden.filter((secret) => secret.length < SHORTEST_PART))
  return text.replace(WORD, (word) => {
    const lower = word.toLowerCase()
    const bare = lower.replace(EDGES, '')
    const quoted =
      short.has(bare) ||
      short.has(lower) ||
      long.some((secret) => lower.includes(secret)) ||
      (bare.length >= SHORTEST_PART && around.some((one) => one.includes(bare)))
    return quoted ? REMOVED : word
  })
}
