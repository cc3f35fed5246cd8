import { createHmac, hkdfSync } from 'node:crypto'
import { type BreakerState, openBreakers } from './adapters/breakers.ts'
import {
  buildRoutes,
  channelNeedsAddress,
  checkChannelsCarried,
  defaultRetry,
  type Routes,
} from './adapters/routing.ts'
import { type Clock, databaseClock } from './clock.ts'
import type { CarillonConfig } from './config.ts'
import { durationMs } from './core/duration.ts'
import { contractOf } from './core/render-contracts.ts'
import { type Retention, retentionFaults, retentionOf } from './core/retention.ts'
import { type UnsubscribeTokens, unsubscribePath, unsubscribeTokens } from './core/unsubscribe-token.ts'
import { isTimeZone } from './core/zoned-time.ts'
import { checkDatabase, type Database, openDatabase } from './db/client.ts'
import { openReplica, type Replica } from './db/replica.ts'
import { watchDatabase } from './db/watch.ts'
import { SetupError } from './errors.ts'
import { idleCron, startCron } from './jobs/cron.ts'
import {
  deliverySource,
  digestSource,
  fanOutSource,
  wakeSource,
  webhookSource,
  workflowSource,
} from './jobs/sources.ts'
import { createWorker, type Worker } from './jobs/worker.ts'
import { unmatchedRuleNames } from './notifiers/digest-rule-names.ts'
import { buildRegistry, type Registry, readableNotifiers } from './notifiers/registry.ts'
import type { AddressKey, Capabilities } from './operations/capabilities.ts'
import { type Credentials, createCredentials } from './operations/credentials.ts'
import { flushClaims } from './operations/digests/flush.ts'
import { readDigestRules, storeConfiguredRules } from './operations/digests/rules.ts'
import { createDispatch } from './operations/dispatch/dispatch.ts'
import { createEraseSecrets } from './operations/erase-secrets.ts'
import { createFanOut } from './operations/fan-out/fan-out.ts'
import { type KnownRecipients, knowRecipients } from './operations/recipients-known.ts'
import { createPrune, type Prune } from './operations/retention/prune.ts'
import { createSealing } from './operations/sealing.ts'
import { watchSettingNames } from './operations/setting-names.ts'
import { wakeClaims } from './operations/snooze.ts'
import { createTrigger, type Trigger } from './operations/trigger/trigger.ts'
import { createReports } from './operations/webhooks/process.ts'
import { createReceiveWebhook, type ReceiveWebhook } from './operations/webhooks/receive.ts'
import { keepDefinitions } from './operations/workflows/definitions.ts'
import { createWakeRuns } from './operations/workflows/wake.ts'
import { type Bus, memoryBus } from './realtime/bus.ts'
import { type DeliveryTail, openDeliveryTail } from './realtime/delivery-tail.ts'
import { type InboxHub, openInboxHub } from './realtime/inbox-hub.ts'
import { openPostgresBus } from './realtime/postgres-bus.ts'
import { openRedisBus } from './realtime/redis-bus.ts'
import { createTelemetry, type Telemetry } from './telemetry.ts'

/** The whole service but its doors. */
export interface App extends Capabilities {
  readonly hub: InboxHub
  readonly tail: DeliveryTail
  readonly trigger: Trigger
  readonly receiveWebhook: ReceiveWebhook
  readonly credentials: Credentials
  /** What an unsubscribe link is for; `null` where it was never issued. */
  readonly openUnsubscribeToken: UnsubscribeTokens['open']
  readonly worker: Worker
  /** What answers queries that need not be of this very moment; `null` where there is none. */
  readonly replica: Replica | null
  /** Deletes what is older than the configuration says; every hour by itself, while the worker runs. */
  readonly prune: Prune
  /** Whether requests can be answered: the database answers. Costs nothing to ask. */
  readonly isReady: () => boolean
  /** How this process's breaker of each adapter stands, by the adapter's name. */
  readonly breakerStates: () => ReadonlyMap<string, BreakerState>
  /** Stops claiming, finishes what was begun, and closes everything. */
  close(): Promise<void>
}

export interface AppOptions {
  readonly databaseUrl: string
  /** A streaming replica of it, for queries that ask for that; none where left out. */
  readonly replicaUrl?: string | null
  readonly config: CarillonConfig
  readonly secretKey: string
  /** Secrets that were `secretKey` before: what they have signed and sealed is accepted, and nothing is made with them. */
  readonly earlierSecretKeys?: readonly string[]
  /** How processes tell each other what moved: by the database where left out; `memory` where there is one process alone. */
  readonly bus?: BusChoice
  readonly clock?: Clock
  readonly telemetry?: Telemetry
  /** Where the service is found from outside: links lead there, and providers are told to report there. None where left out. */
  readonly publicUrl?: string | null
  /** Where links in messages lead where `publicUrl` is left out, asked with each message: for development. */
  readonly linkUrl?: () => string | null
  readonly connections?: number
  /** Whether it looks after what the clock alone asks for, as whoever carries out jobs must; true by default. */
  readonly cron?: boolean
  /** Whether the configuration's digest rules and workflows are stored, as a server's must be; true by default. */
  readonly storesConfiguration?: boolean
  /** How often the job loop looks at the queue without being told, and the inbox hub at every inbox. */
  readonly pollEveryMs?: number
  readonly sweepEveryMs?: number
}

const DEFAULT_LEASE_MS = 30_000

const leaseOf = ({ defaults }: CarillonConfig): number => {
  if (defaults?.leaseFor === undefined) return DEFAULT_LEASE_MS
  const ms = durationMs(defaults.leaseFor)
  if (ms === null || ms < 1_000)
    throw new SetupError('`defaults.leaseFor` must be a duration of at least a second, such as "30s"')
  return ms
}

const declaredChannels = (notifiers: Registry) =>
  [...notifiers.values()].flatMap(({ key, render }) =>
    Object.keys(render).map((channel) => ({ notifier: key, channel })),
  )

const checkRuleNames = (faults: readonly string[]): void => {
  if (faults.length > 0) throw new SetupError(`The digest rules name what there is not:\n- ${faults.join('\n- ')}`)
}

/** What a configuration comes to, checked: opens nothing. All its faults are named at once, in a `SetupError`. */
export const readConfig = (config: CarillonConfig) => {
  const faults: string[] = []
  const check = <T>(part: () => T): T | null => {
    try {
      return part()
    } catch (error) {
      if (!(error instanceof SetupError)) throw error
      faults.push(error.message)
      return null
    }
  }
  const digestRules = check(() => readDigestRules(config.digestRules))
  const notifiers = check(() => buildRegistry(config.notifiers ?? []))
  const leaseMs = check(() => leaseOf(config))
  const timeZone = config.defaults?.timeZone
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    faults.push(`\`defaults.timeZone\` is ${JSON.stringify(timeZone)}, which is not an IANA time zone name`)
  }
  faults.push(...retentionFaults(config.retention ?? {}))
  const routes = check(() => buildRoutes(config))
  const readable = readableNotifiers(config.notifiers)
  check(() => checkChannelsCarried(new Set(Object.keys(config.adapters ?? {})), declaredChannels(readable)))
  check(() => checkRuleNames(unmatchedRuleNames(config.digestRules, readable)))
  if (faults.length > 0 || !notifiers || !routes || !digestRules || leaseMs === null)
    throw new SetupError(faults.join('\n'))
  return { notifiers, routes, leaseMs, digestRules, retention: retentionOf(config.retention ?? {}) }
}

export type BusChoice = 'memory' | 'postgres' | { readonly redisUrl: string }

const openBus = (
  choice: BusChoice,
  { databaseUrl, db, telemetry }: { databaseUrl: string; db: Database; telemetry: Telemetry },
): Promise<Bus> => {
  if (choice === 'memory') return Promise.resolve(memoryBus())
  const common = { pool: db.system, telemetry }
  return choice === 'postgres'
    ? openPostgresBus({ ...common, url: databaseUrl })
    : openRedisBus({ ...common, url: choice.redisUrl })
}

/** Keyed, so that nobody who sees the key can try out who it might be. */
const addressKeyWith = (secretKey: string): ((address: string) => string) => {
  const key = Buffer.from(hkdfSync('sha256', secretKey, '', 'carillon address keys', 32))
  return (address) => createHmac('sha256', key).update(address).digest('base64url').slice(0, 16)
}

/** An address that has a key by an earlier secret keeps it: by another it would be one that was never written to. */
const addressKeysWith = (secretKey: string, earlierKeys: readonly string[]): AddressKey => {
  const own = addressKeyWith(secretKey)
  const earlier = earlierKeys.map(addressKeyWith)
  return (address, known) => {
    const key = own(address)
    if (earlier.length === 0 || !known || known.has(key)) return key
    return earlier.map((one) => one(address)).find((one) => known.has(one)) ?? key
  }
}

const buildWorker = (
  app: Capabilities,
  {
    known,
    routes,
    leaseMs,
    retention,
    pollEveryMs,
    hasCron,
  }: {
    readonly known: KnownRecipients
    readonly retention: Retention
    readonly routes: Routes
    readonly leaseMs: number
    readonly pollEveryMs?: number | undefined
    readonly hasCron: boolean
  },
) => {
  const stopping = new AbortController()
  const breakers = openBreakers(() => app.clock.now()?.getTime() ?? performance.now())
  const prune = createPrune(app, retention)
  let works = false
  const cron = hasCron ? startCron(app, { routes, prune, works: () => works }) : idleCron
  const worker = createWorker({
    ...app,
    leaseMs,
    ...(pollEveryMs && { pollEveryMs }),
    sources: [
      deliverySource({
        routes,
        breakers,
        strandedLanes: cron.strandedLanes,
        dispatch: createDispatch(app, { routes, breakers, leaseMs, stopping: stopping.signal }),
      }),
      fanOutSource(createFanOut(app, { known, leaseMs })),
      webhookSource(createReports(app, routes)),
      digestSource((claims) => flushClaims(app, claims)),
      wakeSource((claims) => wakeClaims(app, claims)),
      workflowSource(createWakeRuns(app)),
    ],
    abort: () => stopping.abort(),
  })
  return {
    worker: {
      ...worker,
      start() {
        works = true
        worker.start()
      },
    },
    cron,
    prune,
    breakers,
  }
}

/** Puts the service together. The schema must have been migrated. Nothing is claimed before `worker.start()`. */
export const createApp = async (options: AppOptions): Promise<App> => {
  const { databaseUrl, config, secretKey, clock = databaseClock, telemetry = createTelemetry() } = options
  const { storesConfiguration = true, earlierSecretKeys = [] } = options
  const { notifiers, routes, leaseMs, digestRules, retention } = readConfig(config)
  const db = openDatabase({
    url: databaseUrl,
    ...(options.connections && { connections: options.connections }),
    onConnectionLost: (error) => telemetry.emit('database.connection_lost', { to: 'primary', error }),
  })
  let bus: Bus
  try {
    await checkDatabase(db)
    if (storesConfiguration) await storeConfiguredRules(db, digestRules, { now: clock.now() })
    bus = await openBus(options.bus ?? 'postgres', { databaseUrl, db, telemetry })
  } catch (error) {
    await db.close()
    throw error
  }
  const hub = openInboxHub({
    db,
    onError: (error) => telemetry.emit('bus.failed', { error }),
    onPushed: (pushed) => telemetry.emit('inbox.pushed', pushed),
    ...(options.sweepEveryMs && { sweepEveryMs: options.sweepEveryMs }),
  })
  const tail = openDeliveryTail({ db, bus, onError: (error) => telemetry.emit('bus.failed', { error }) })
  const tokens = unsubscribeTokens(secretKey, earlierSecretKeys)
  const capabilities: Capabilities = {
    db,
    clock,
    notifiers,
    contractOf: (channel) => contractOf(channel, config.channels),
    needsAddress: channelNeedsAddress(routes),
    addressKey: addressKeysWith(secretKey, earlierSecretKeys),
    publicUrl: options.publicUrl ?? null,
    unsubscribeUrl: (subject) => {
      const base = options.publicUrl ?? options.linkUrl?.() ?? null
      return base === null ? null : `${base}${unsubscribePath(tokens.seal(subject))}`
    },
    retry: defaultRetry(config),
    defaultTimeZone: config.defaults?.timeZone ?? null,
    digestRules,
    telemetry,
    watchSettingNames: watchSettingNames({ notifiers, telemetry }),
    sealing: createSealing(secretKey, earlierSecretKeys),
    eraseSecrets: createEraseSecrets({ db, telemetry }),
    hints: { inboxesMoved: bus.inboxesMoved, workDue: bus.workDue, deliveriesChanged: tail.changed },
  }
  try {
    if (storesConfiguration) await keepDefinitions(capabilities)
  } catch (error) {
    hub.close()
    await bus.close()
    await db.close()
    throw error
  }
  const replica = options.replicaUrl
    ? openReplica({
        url: options.replicaUrl,
        ...(options.connections && { connections: options.connections }),
        onConnectionLost: (error) => telemetry.emit('database.connection_lost', { to: 'replica', error }),
      })
    : null
  const known = knowRecipients(db)
  const watch = watchDatabase({ url: databaseUrl, db }, (state, error) => {
    telemetry.emit('database.state', { state, error: error ?? null })
    if (state !== 'alive') return
    // Whatever was missed meanwhile is looked at now, and not only with the next poll and sweep.
    worker.wake()
    hub.moved('all')
  })
  const { worker, cron, breakers, prune } = buildWorker(capabilities, {
    known,
    routes,
    leaseMs,
    retention,
    pollEveryMs: options.pollEveryMs,
    hasCron: options.cron ?? true,
  })
  bus.listen({
    inboxesMoved: hub.moved,
    workDue: worker.wake,
    deliveriesChanged: tail.heard,
    deliveriesTailed: tail.tailed,
  })

  return {
    ...capabilities,
    hub,
    tail,
    worker,
    replica,
    prune,
    isReady: () => watch.ready,
    breakerStates: () => breakers.states(routes),
    trigger: createTrigger(capabilities, known),
    receiveWebhook: createReceiveWebhook(capabilities, routes),
    credentials: createCredentials(db, secretKey, earlierSecretKeys),
    openUnsubscribeToken: tokens.open,
    async close() {
      await worker.stop()
      await cron.stop()
      hub.close()
      tail.close()
      await bus.close()
      const adapters = [...routes.values()].flatMap((route) => route.adapters)
      for (const adapter of new Set(adapters.map((one) => one.adapter))) await adapter.close?.()
      await watch.close()
      await replica?.db.close()
      await db.close()
    },
  }
}
