import type { Environment } from '../../environment.ts'
import { SetupError } from '../../errors.ts'
import { readPersistedOperations } from '../persisted-operations.ts'
import { type Finding, fault, faultOf, ok } from './finding.ts'

const NAME = 'persisted operations'

const BOUND = {
  off: 'asked for by text or hash; any other is answered as well',
  recipients: 'recipients may ask for nothing else',
  everyone: 'nobody may ask for anything else',
} as const

/** Which operations are listed, and whom that binds; looked at as `carillon start` does. */
export const persistedFinding = async (environment: Environment): Promise<Finding> => {
  const { persistedOperations: files, persistedOnly: only, graphiql } = environment
  try {
    const { texts } = await readPersistedOperations(environment, { introspection: graphiql ?? false })
    if (only === 'off' && files.length === 0) return ok(NAME, 'off, as this environment has it')
    const from = files.length > 0 ? `of Carillon's own and of ${files.join(', ')}` : "of Carillon's own"
    return ok(NAME, `${only}: ${texts.size} in all, ${from}; ${BOUND[only]}`)
  } catch (error) {
    if (!(error instanceof SetupError)) return faultOf(NAME, error as Error)
    return fault(NAME, error.message, 'Write the file anew of the operations that your pages send')
  }
}
