import pg from 'pg'
import { withheld } from './core/withheld-error.ts'

/** Whose an error is: the host's own code and adapters work on payloads and addresses, and their words quote them. */
export type Origin = 'host' | 'service'

/** What quotes what it could not read: parsers, Prisma with a query's arguments, and the database with a row's values. */
const quotesValues = (error: Error & { code?: unknown }): boolean =>
  error instanceof SyntaxError ||
  /^(Prisma|Zod|GraphQL)/.test(error.name) ||
  (error instanceof pg.DatabaseError && /^2[23]/.test(String(error.code)))

/**
 * An error as it is logged: what kind, which code, and where. Never what drivers hang on it, since the details of a
 * failed row are its content; and its words only where they cannot quote a person's data, or `words` asks for them.
 */
export const loggedError = (
  given: unknown,
  { origin, words }: { readonly origin: Origin; readonly words: boolean },
): object => {
  const error = given instanceof Error ? given : new Error(String(given))
  const { code, constraint, table } = error as { code?: unknown; constraint?: unknown; table?: unknown }
  const tellable = words || !(origin === 'host' || quotesValues(error))
  const shown = tellable ? error : withheld(error, 'not told, since it may quote personal data')
  return {
    type: error.name,
    message: shown.message,
    // A driver's code is a short word; an adapter's may be anything.
    ...(origin === 'service' && { code, constraint, table }),
    stack: shown.stack,
  }
}
