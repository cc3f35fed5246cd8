import type { CarillonConfig } from '../config.ts'
import { durationMs } from '../core/duration.ts'
import { DEFAULT_RETRY, type RetryPolicy } from '../core/retry.ts'
import { SetupError } from '../errors.ts'
import type { Adapter, Retry } from './adapter.ts'

/** One of a channel's adapters. */
export interface RoutedAdapter {
  readonly adapter: Adapter
  /** How long one call may take, in milliseconds. */
  readonly timeoutMs: number
  /** How many of its calls a worker has open at once, of all channels that list it. */
  readonly concurrency: number
}

/** One channel's way out. */
export interface Route {
  /** In the order in which they are tried; at least one. */
  readonly adapters: readonly RoutedAdapter[]
  /** The first adapter's own, where it has one. */
  readonly policy: RetryPolicy
  /** The first adapter's name: channels that begin with the same one claim deliveries together. */
  readonly limitedBy: string
}

/** Every channel that has an adapter. */
export type Routes = ReadonlyMap<string, Route>

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_CONCURRENCY = 100
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

/** What is wrong with one adapter, as the end of a sentence about its place. */
const adapterFaults = (adapter: Adapter | undefined, byName: ReadonlyMap<string, Adapter>): readonly string[] => {
  if (!adapter || typeof adapter.deliver !== 'function' || typeof adapter.name !== 'string' || adapter.name === '') {
    return [' is no adapter: it needs a `name` and `deliver`']
  }
  const { name, onUnknown, receive, check, timeoutMs } = adapter
  const namesake = byName.get(name)
  return [
    ...(namesake && namesake !== adapter
      ? [`: another adapter is called "${name}" too; give one of them a \`name\``]
      : []),
    ...(onUnknown !== undefined && onUnknown !== 'retry' && onUnknown !== 'hold'
      ? [": `onUnknown` must be 'retry' or 'hold'"]
      : []),
    ...(receive !== undefined && typeof receive !== 'function' ? [': `receive` must be a function'] : []),
    ...(check !== undefined && typeof check !== 'function' ? [': `check` must be a function'] : []),
    ...(timeoutMs !== undefined && !(Number.isFinite(timeoutMs) && timeoutMs > 0)
      ? [': `timeoutMs` must be a number of milliseconds above 0']
      : []),
  ]
}

/** How what no adapter carries is tried again. What is wrong with it, `buildRoutes` says. */
export const defaultRetry = ({ defaults }: CarillonConfig): RetryPolicy =>
  retryPolicy(defaults?.retry, DEFAULT_RETRY, '`defaults.retry`', [])

/** Checks the configuration's adapters and puts them under their channels. All faults are named at once. */
export const buildRoutes = ({ adapters = {}, defaults = {} }: CarillonConfig): Routes => {
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
    const subject = `adapters.${channel}`
    if (channel === 'in_app') faults.push(`${subject}: in_app is built in and takes no adapter`)
    if (list.length === 0) faults.push(`${subject} is empty: name an adapter, log() will do at first`)
    const fitting = list.filter((adapter, index) => {
      const place = list.length > 1 ? `${subject}[${index}]` : subject
      const own = [
        ...adapterFaults(adapter, byName),
        ...(list.indexOf(adapter) < index ? [' is in the list twice: a second call of it is a second try'] : []),
      ]
      faults.push(...own.map((fault) => `${place}${fault}`))
      if (own.length === 0) byName.set(adapter.name, adapter)
      return own.length === 0
    })
    const [first] = fitting
    if (!first) continue
    routes.set(channel, {
      adapters: fitting.map((adapter) => ({
        adapter,
        timeoutMs: adapter.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        concurrency,
      })),
      policy: retryPolicy(first.retry, policy, `${subject}.retry`, faults),
      limitedBy: first.name,
    })
  }
  if (faults.length > 0) throw new SetupError(`The adapters have faults:\n- ${faults.join('\n- ')}`)
  return routes
}

/** Whether a channel needs an address. */
export const channelNeedsAddress =
  (routes: Routes) =>
  (channel: string): boolean =>
    ADDRESSED.has(channel) || (routes.get(channel)?.adapters ?? []).some(({ adapter }) => adapter.needsAddress === true)

/** Names the channels that a notifier declares and that nothing could carry. */
export const checkChannelsCarried = (
  routes: Pick<ReadonlySet<string>, 'has'>,
  channels: readonly { readonly notifier: string; readonly channel: string }[],
): void => {
  const stranded = channels.filter(({ channel }) => channel !== 'in_app' && !routes.has(channel))
  if (stranded.length === 0) return
  const faults = stranded.map(({ notifier, channel }) => `Notifier "${notifier}": channel "${channel}" has no adapter`)
  throw new SetupError(
    `Nothing can carry these channels; name an adapter under \`adapters\`, log() will do at first:\n- ${faults.join('\n- ')}`,
  )
}
