const WIDTH = 112

/** JSON as the guides show it: what fits on a line stands on one, and what has one member takes no line for itself. */
export const shownJson = (value: unknown, indent = '', before = 0): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const isList = Array.isArray(value)
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  const members: [string, unknown][] = isList ? value.map((one) => ['', one]) : Object.entries(value)
  if (members.length === 0) return open + close
  const named = (name: string): string => (isList ? '' : `${JSON.stringify(name)}: `)
  const inOne = members.map(([name, one]) => named(name) + shownJson(one, '', Number.NEGATIVE_INFINITY)).join(', ')
  const line = isList ? `[${inOne}]` : `{ ${inOne} }`
  if (!line.includes('\n') && indent.length + before + line.length <= WIDTH) return line
  const [only] = members
  if (members.length === 1 && only) {
    const start = isList ? open : `${open} ${named(only[0])}`
    return `${start}${shownJson(only[1], indent, before + start.length)}${isList ? close : ` ${close}`}`
  }
  const deeper = `${indent}  `
  const lines = members.map(([name, one]) => deeper + named(name) + shownJson(one, deeper, named(name).length + 1))
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`
}

/** Ids, cursors and the like: long, and other ones each time. */
const isOpaque = (text: string): boolean =>
  (/^[\w-]{24,}={0,2}$/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text)) ||
  /^ey[\w-]+\.[\w-]+\.[\w-]+$/.test(text)

const shortened = (text: string): string => `${text.slice(0, 12)}…${text.slice(-4)}`

/** An answer with its opaque texts shortened, as a guide shows it. */
export const shortenedAnswer = (value: unknown): unknown => {
  if (typeof value === 'string') return isOpaque(value) ? shortened(value) : value
  if (Array.isArray(value)) return value.map(shortenedAnswer)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shortenedAnswer(one)]))
}

/** What shortened texts of a guide stand for in this run. */
export type Meanings = Map<string, string>

const INSTANT = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?/g

/**
 * The first place where an answer is not what a guide shows; `null` where it is. A shortened text stands for the same
 * text wherever it is shown. With `anyTime`, instants are not compared.
 */
export const difference = (
  shown: unknown,
  answer: unknown,
  { meanings, anyTime = false, path = 'answer' }: { meanings: Meanings; anyTime?: boolean; path?: string },
): string | null => {
  const differs = `${path}: shown ${JSON.stringify(shown)}, answered ${JSON.stringify(answer)}`
  if (typeof shown === 'string' && typeof answer === 'string') {
    const told = (text: string): string => (anyTime ? text.replace(INSTANT, 'then') : text)
    if (told(shown) === told(answer)) return null
    if (!/^[\w.-]{6,}…[\w=-]*$/.test(shown) || !isOpaque(answer)) return differs
    const meaning = meanings.get(shown) ?? answer
    meanings.set(shown, answer)
    return meaning === answer ? null : `${path}: ${shown} stood for something else before`
  }
  if (typeof shown !== 'object' || typeof answer !== 'object' || shown === null || answer === null) {
    return shown === answer ? null : differs
  }
  const names = new Set([...Object.keys(shown), ...Object.keys(answer)])
  for (const name of names) {
    const inner = difference((shown as Record<string, unknown>)[name], (answer as Record<string, unknown>)[name], {
      meanings,
      anyTime,
      path: `${path}.${name}`,
    })
    if (inner !== null) return inner
  }
  return null
}

/** A text of a guide with what its shortened texts stand for. */
export const meant = (text: string, meanings: Meanings): string =>
  text.replace(/[\w.-]{6,}…[\w=-]*/g, (shown) => meanings.get(shown) ?? shown)
