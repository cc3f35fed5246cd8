import type { Environment } from '../../environment.ts'
import { readPersistedOperations } from '../persisted-operations.ts'
import { type Finding, fault, ok } from './finding.ts'

const NAME = 'persisted operations'

const BOUND = {
  off: 'asked for by text or hash; any other is answered as well',
  recipients: 'recipients may ask for nothing else',
  everyone: 'nobody may ask for anything else',
} as const

/** Which operations are listed, and whom that binds. */
export const persistedFinding = async (environment: Environment): Promise<Finding> => {
  const { persistedOperations: files, persistedOnly: only, graphiql, production } = environment
  try {
    const { texts } = await readPersistedOperations(environment, { introspection: graphiql ?? !production })
    const from = files.length > 0 ? `Carillon's own and ${files.join(', ')}` : "Carillon's own"
    return ok(NAME, only === 'off' && files.length === 0 ? 'off' : `${only}: ${texts.size} of ${from}; ${BOUND[only]}`)
  } catch (error) {
    return fault(NAME, (error as Error).message, 'Write the file anew of the operations that your pages send')
  }
}
