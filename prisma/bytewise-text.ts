// What can hold the word TEXT without being a type: comments, strings, dollar quotes, quoted names, casts. The type itself
// comes last, with the brackets of an array and a collation that it already has.
const TOKENS =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|::\s*text\b|\btext\b(?<type>(?:\[\])*)(?!\s+collate\b)/gi

/**
 * Gives every TEXT column of a script `COLLATE "C"`. Keys are then compared byte by byte, the same on every host: locks
 * are taken in one order everywhere, and an upgrade of the system's locale data cannot corrupt an index.
 */
export const bytewiseText = (sql: string): string =>
  sql.replace(TOKENS, (token: string, ...rest: unknown[]) => {
    const groups = rest.at(-1) as { type?: string }
    return groups.type === undefined ? token : `${token} COLLATE "C"`
  })
