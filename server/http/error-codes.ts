import type { Plugin } from 'graphql-yoga'
import type { ShownError } from './errors.ts'

/** Yoga masks what resolvers throw; syntax and validation errors would leave the server with codes of its own. */
export const ownErrorCodes = (shown: ShownError): Plugin => ({
  onResultProcess({ result, setResult }) {
    if ('errors' in result && result.errors?.length) setResult({ ...result, errors: result.errors.map(shown) })
  },
})
