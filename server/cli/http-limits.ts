import type { Environment } from '../environment.ts'
import type { HttpOptions } from '../http/server.ts'

/** A recipient's page comes back with all that it did while it was offline: so many seconds it has to spread that over. */
const RECIPIENT_SECONDS = 10

export type LimitsEnvironment = Pick<
  Environment,
  | 'requestsPerKey'
  | 'requestsPerRecipient'
  | 'refusedPerAddress'
  | 'proxies'
  | 'corsOrigins'
  | 'publicUrl'
  | 'streamsPerRecipient'
>

/** What the environment says of who may ask, and how often. */
export const httpLimits = (environment: LimitsEnvironment): Pick<HttpOptions, 'requests' | 'origins' | 'streams'> => {
  const { requestsPerKey, requestsPerRecipient, refusedPerAddress, proxies, corsOrigins } = environment
  const { publicUrl, streamsPerRecipient } = environment
  // The console asks from there, and behind a proxy that says another Host it would be a stranger.
  const own = publicUrl === null ? [] : [new URL(publicUrl).origin]
  return {
    requests: {
      perKey: { requests: requestsPerKey, seconds: 1 },
      perRecipient: { requests: requestsPerRecipient * RECIPIENT_SECONDS, seconds: RECIPIENT_SECONDS },
      refusedPerAddress: { requests: refusedPerAddress, seconds: 60 },
      proxies,
    },
    origins: corsOrigins && [...corsOrigins, ...own],
    ...(streamsPerRecipient && { streams: { perRecipient: streamsPerRecipient } }),
  }
}
