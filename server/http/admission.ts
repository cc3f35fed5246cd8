import type { App } from '../app.ts'
import { CarillonError } from '../errors.ts'
import { unauthenticated } from './errors.ts'
import type { RequestRates } from './request-rates.ts'
import type { Holder } from './streams.ts'

/**
 * Finds out who asks, with what credential from which address (`null` where that is not counted), and counts it: as a
 * request of theirs, or as a refusal of the address. Answers UNAUTHENTICATED or RATE_LIMITED for whoever is to be refused.
 */
export type Admit = (credential: string | null, address: string | null) => Promise<Holder | CarillonError>

/** One count for all doors: whoever is refused at one has as many tries less at the others. */
export const createAdmission =
  (
    { credentials }: { readonly credentials: Pick<App['credentials'], 'authenticate' | 'wasValid'> },
    rates: RequestRates,
  ): Admit =>
  async (credential, address) => {
    if (credential === null) return (await rates.refused(address)) ?? unauthenticated(false)
    try {
      const principal = await credentials.authenticate(credential, () => rates.beforeLookUp(address))
      if (principal) return (await rates.take({ principal, credential })) ?? { principal, credential }
    } catch (error) {
      if (error instanceof CarillonError) return error
      throw error
    }
    const limited = (await credentials.wasValid(credential)) ? null : await rates.refused(address)
    return limited ?? unauthenticated(true)
  }
