import type { IncomingMessage } from 'node:http'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { inboxName } from '../core/name-of.ts'
import { CarillonError } from '../errors.ts'
import { countedAddress } from './remote-address.ts'
import type { Holder } from './streams.ts'

/** So many in so many seconds; 0 for as many as anybody likes. */
export interface Rate {
  readonly requests: number
  readonly seconds: number
}

/** How much may be asked for, counted by each process for itself. Operations over a socket are requests too. */
export interface RequestLimits {
  /** By one API key. */
  readonly perKey: Rate
  /** By one recipient, with however many tokens. */
  readonly perRecipient: Rate
  /** From one address, with a credential that never was valid, or none. */
  readonly refusedPerAddress: Rate
  /** How many proxies in front are to be believed about whom they were called by. */
  readonly proxies: number
}

/** No limits: for an embedded server, and for measurements. */
export const NO_REQUEST_LIMITS: RequestLimits = {
  perKey: { requests: 0, seconds: 1 },
  perRecipient: { requests: 0, seconds: 1 },
  refusedPerAddress: { requests: 0, seconds: 1 },
  proxies: 0,
}

/** Counts requests, and refuses those beyond the limits with how long to wait. */
export interface RequestRates {
  /** Counts a request by who asks; answers what it is to be refused with, or `null`. */
  take(holder: Holder): Promise<CarillonError | null>
  /** By what an address is counted; `null` where it is not. */
  addressOf(request: IncomingMessage): string | null
  /** To be asked before something is done for an unknown credential: throws where its address has been refused too often. */
  beforeLookUp(address: string | null): Promise<void>
  /** Counts a credential that is not valid; answers what it is to be refused with instead, or `null`. */
  refused(address: string | null): Promise<CarillonError | null>
}

const MESSAGES = {
  perKey: 'This API key asks too often',
  perRecipient: 'This recipient asks too often',
  refusedPerAddress: 'There were too many requests without a valid credential from this address',
} as const

const limitedBy = (what: keyof typeof MESSAGES, msBeforeNext: number): CarillonError => {
  const retryAfterSeconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
  return new CarillonError('RATE_LIMITED', `${MESSAGES[what]}; try again in ${retryAfterSeconds} s`, {
    retryAfterSeconds,
  })
}

interface Counter {
  take(key: string): Promise<CarillonError | null>
  /** The same without counting. */
  look(key: string): Promise<CarillonError | null>
}

const counterOf = (what: keyof typeof MESSAGES, { requests, seconds }: Rate): Counter | null => {
  if (requests === 0) return null
  const limiter = new RateLimiterMemory({ points: requests, duration: seconds, keyPrefix: '' })
  return {
    take: (key) =>
      limiter.consume(key).then(
        () => null,
        ({ msBeforeNext }: { readonly msBeforeNext: number }) => limitedBy(what, msBeforeNext),
      ),
    async look(key) {
      const counted = await limiter.get(key)
      return counted && counted.consumedPoints >= requests ? limitedBy(what, counted.msBeforeNext) : null
    },
  }
}

/** Counts in windows that begin with the first request in them. */
export const countRequests = (limits: RequestLimits): RequestRates => {
  const perKey = counterOf('perKey', limits.perKey)
  const perRecipient = counterOf('perRecipient', limits.perRecipient)
  const perAddress = counterOf('refusedPerAddress', limits.refusedPerAddress)
  const nothing = Promise.resolve(null)

  return {
    take({ principal: { tenantId, recipientId }, credential }) {
      if (recipientId === null) return perKey?.take(credential) ?? nothing
      return perRecipient?.take(inboxName({ tenantId, recipientId })) ?? nothing
    },
    addressOf: (request) => (perAddress ? countedAddress(request, limits.proxies) : null),
    async beforeLookUp(address) {
      const limited = address === null ? null : await perAddress?.look(address)
      if (limited) throw limited
    },
    refused: (address) => (address === null ? nothing : (perAddress?.take(address) ?? nothing)),
  }
}
