import type { z } from 'zod'
import type { Adapter, Retry } from './adapters/adapter.ts'
import type { DigestRuleDefinition } from './core/digest-rule.ts'
import type { Duration } from './core/duration.ts'
import type { RetentionSettings } from './core/retention.ts'
import type { Notifier } from './notifiers/notifier.ts'

/** What a host's `carillon.config.ts` exports by default. */
export interface CarillonConfig {
  notifiers: readonly Notifier[]
  /** Channel to adapter; several are tried in order. `in_app` is built in. */
  adapters?: Record<string, Adapter | readonly Adapter[]>
  /** Content contracts of channels of your own. */
  channels?: Record<string, { content: z.ZodType }>
  /** Upserted at start; one that leaves the configuration is deleted. */
  digestRules?: readonly DigestRuleDefinition[]
  /** How long what is stored is kept; for ever what is not named. */
  retention?: RetentionSettings
  defaults?: {
    timeZone?: string
    /** How a delivery is tried again whose adapter does not say, in-app ones and the planning of recipients too. */
    retry?: Retry
    /** How long a worker that fell silent keeps what it claimed; 30 s by default. A call is ended before four fifths of it. */
    leaseFor?: Duration
    /** How many calls of one adapter a worker has open at once; 100 by default. */
    concurrencyPerAdapter?: number
  }
}

/** Gives a configuration its types; the server checks it when it starts. */
export const defineConfig = (config: CarillonConfig): CarillonConfig => config
