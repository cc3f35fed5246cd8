const FRAME = /^ {4}at [^\n]*(?::\d+:\d+\)?|\(<anonymous>\)|<anonymous>)$/

/** The lines of a stack that say where; a message of several lines stands before them. */
const framesOf = (stack: string): readonly string[] => {
  const lines = stack.split('\n')
  return lines.slice(lines.findLastIndex((line) => !FRAME.test(line)) + 1)
}

/** An error that says where something was thrown and not what: its message may quote what must not be in a log. */
export const withheld = (cause: unknown, why = 'not told, since it may quote a secret field'): Error => {
  const error = new Error(why)
  const frames = cause instanceof Error && typeof cause.stack === 'string' ? framesOf(cause.stack) : []
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
  return error
}
