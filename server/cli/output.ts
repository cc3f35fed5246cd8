/*
 * What a command answers goes to stdout, in words or, with --json, as one JSON document; all else goes to stderr, so
 * that the answer can be piped.
 */

/** A part of the answer, as lines. */
export const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** The answer as JSON. */
export const sayJson = (value: unknown): void => say(JSON.stringify(value, null, 2))

/** Something to know beside the answer. */
export const tell = (text: string): void => void process.stderr.write(`${text}\n`)

/** How far it is, for somebody who watches; nobody else is told. */
export const progress = (text: string): void => {
  if (process.stderr.isTTY) tell(text)
}

/** The command has done what it was asked, and what it found is a "no": the process ends with 1. */
export const answerNo = (): void => {
  process.exitCode = 1
}

/** Lines of aligned columns, the heads in capitals. Numbers stand to the right. */
export const table = (heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string => {
  const lines = [heads.map((head) => head.toUpperCase()), ...rows]
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => String(line[column] ?? '').length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const isNumber = typeof rows[0]?.[column] === 'number'
          return isNumber ? String(cell).padStart(widths[column] ?? 0) : String(cell).padEnd(widths[column] ?? 0)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** An instant for people: to the second, in UTC. */
export const shownTime = (time: Date | string): string =>
  `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')}Z`

/** Facts in one line: `limit=5 window="day"`. */
export const shownFacts = (facts: unknown): string =>
  typeof facts === 'object' && facts !== null
    ? Object.entries(facts)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(' ')
    : ''
