import { CarillonClientError, wordsOf } from './error.ts'

/**
 * An API key or recipient token; or a function that answers one, asked again whenever a socket connects and when the
 * server refuses the last one. `null` says that there is none any more: what was asked ends with UNAUTHENTICATED.
 */
export type Token = string | (() => string | null | Promise<string | null>)

export interface Credential {
  /** Whether there may be a new one where this one is refused. */
  readonly renewable: boolean
  /** The one in use; the first time, it is asked for. */
  current(): Promise<string>
  /** A new one; or the one that somebody else has got meanwhile, in place of the `refused` one. */
  renew(refused?: string): Promise<string>
}

export const createCredential = (token: Token): Credential => {
  if (typeof token === 'string') {
    const fixed = () => Promise.resolve(token)
    return { renewable: false, current: fixed, renew: fixed }
  }
  let latest: string | null = null
  let asking: Promise<string> | null = null

  const ask = async (): Promise<string> => {
    let given: string | null
    try {
      given = await token()
    } catch (cause) {
      throw new CarillonClientError('TOKEN_FAILED', `The token function threw: ${wordsOf(cause)}`, { cause })
    }
    if (typeof given !== 'string' || given === '')
      throw new CarillonClientError('UNAUTHENTICATED', 'The token function gave no token')
    latest = given
    return given
  }
  const renew = (refused?: string): Promise<string> => {
    if (refused !== undefined && latest !== null && latest !== refused) return Promise.resolve(latest)
    asking ??= ask().finally(() => {
      asking = null
    })
    return asking
  }
  return { renewable: true, current: async () => latest ?? renew(), renew }
}
