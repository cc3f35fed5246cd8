import type { CarillonConfig } from '../config.ts'
import { durationMs } from '../core/duration.ts'
import { DEFAULT_RETRY, type RetryPolicy } from '../core/retry.ts'
import { SetupError } from '../errors.ts'
import type { Adapter, Retry } from './adapter.ts'

/** One channel's way out. */
export interface Route {
  readonly adapter: Adapter
  readonly policy: RetryPolicy
  /** How long one call may take, in milliseconds. */
  readonly timeoutMs: number
  /** How many calls a worker has open at once. */
  readonly concurrency: number
}

/** Every channel that has an adapter. */
export type Routes = ReadonlyMap<string, Route>

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_CONCURRENCY = 100
const SHARE_OF_LEASE = 0.8
/** Channels that need an address whatever adapter carries them. */
const ADDRESSED = new Set(['email', 'sms', 'push'])

const retryPolicy = (
  retry: Retry | undefined,
  defaults: RetryPolicy,
  subject: string,
  faults: string[],
): RetryPolicy => {
  const delay = (field: 'firstDelay' | 'maxDelay', otherwise: number): number => {
    const given = retry?.[field]
    if (given === undefined) return otherwise
    const ms = durationMs(given)
    if (ms === null) faults.push(`${subject}: \`${field}\` must be a duration such as "15s" or "5m"`)
    return ms ?? otherwise
  }
  const attempts = retry?.attempts ?? defaults.attempts
  if (!Number.isInteger(attempts) || attempts < 1)
    faults.push(`${subject}: \`attempts\` must be a positive whole number`)
  return {
    attempts,
    firstDelayMs: delay('firstDelay', defaults.firstDelayMs),
    maxDelayMs: delay('maxDelay', defaults.maxDelayMs),
  }
}

/** Checks the configuration's adapters and puts them under their channels. All faults are named at once. */
export const buildRoutes = ({ adapters = {}, defaults = {} }: CarillonConfig, leaseMs: number): Routes => {
  const faults: string[] = []
  const routes = new Map<string, Route>()
  const byName = new Map<string, Adapter>()
  const policy = retryPolicy(defaults.retry, DEFAULT_RETRY, '`defaults.retry`', faults)
  const concurrency = defaults.concurrencyPerAdapter ?? DEFAULT_CONCURRENCY
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    faults.push('`defaults.concurrencyPerAdapter` must be a positive whole number')
  }
  for (const [channel, given] of Object.entries(adapters)) {
    const list = Array.isArray(given) ? (given as readonly Adapter[]) : [given as Adapter]
    const [adapter] = list
    const subject = `adapters.${channel}`
    if (channel === 'in_app') faults.push(`${subject}: in_app is built in and takes no adapter`)
    if (list.length > 1) faults.push(`${subject}: several adapters of one channel are not supported yet`)
    if (!adapter || typeof adapter.deliver !== 'function' || typeof adapter.name !== 'string' || adapter.name === '') {
      faults.push(`${subject} is no adapter: it needs a \`name\` and \`deliver\``)
      continue
    }
    if (adapter.onUnknown === 'hold') faults.push(`${subject}: \`onUnknown: 'hold'\` is not supported yet`)
    if (adapter.receive) faults.push(`${subject}: \`receive\` is not supported yet`)
    const namesake = byName.get(adapter.name)
    if (namesake && namesake !== adapter) {
      faults.push(`${subject}: another adapter is called "${adapter.name}" too; give one of them a \`name\``)
    }
    byName.set(adapter.name, adapter)
    routes.set(channel, {
      adapter,
      policy: retryPolicy(adapter.retry, policy, `${subject}.retry`, faults),
      // Ended well before its lease is: the next try must not go out while this one is still open.
      timeoutMs: Math.min(adapter.timeoutMs ?? DEFAULT_TIMEOUT_MS, leaseMs * SHARE_OF_LEASE),
      concurrency,
    })
  }
  if (faults.length > 0) throw new SetupError(`The adapters have faults:\n- ${faults.join('\n- ')}`)
  return routes
}

/** Whether a channel needs an address. */
export const channelNeedsAddress =
  (routes: Routes) =>
  (channel: string): boolean =>
    ADDRESSED.has(channel) || routes.get(channel)?.adapter.needsAddress === true

/** Names the channels that a notifier declares and that nothing could carry. */
export const checkChannelsCarried = (
  routes: Routes,
  channels: readonly { readonly notifier: string; readonly channel: string }[],
): void => {
  const stranded = channels.filter(({ channel }) => channel !== 'in_app' && !routes.has(channel))
  if (stranded.length === 0) return
  const faults = stranded.map(({ notifier, channel }) => `Notifier "${notifier}": channel "${channel}" has no adapter`)
  throw new SetupError(
    `Nothing can carry these channels; name an adapter under \`adapters\`, log() will do at first:\n- ${faults.join('\n- ')}`,
  )
}
