import { jsonFault } from '../core/json-limits.ts'
import { badInput, type InputPath } from '../errors.ts'

/** They are kept with every delivery that they are about. */
const MAX_LENGTH = 2_000

/** Refuses a caller's own words that cannot be kept; they are shown in timelines as they are. */
export const checkWords = (words: string, path: InputPath): void => {
  const fault = jsonFault(words, path)
  if (fault) throw badInput(`reason ${fault.message}`, fault.path)
  if (words.length > MAX_LENGTH) throw badInput(`reason is longer than ${MAX_LENGTH} characters`, path)
}
