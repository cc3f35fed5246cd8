import type { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { InboxKey } from '../core/cursor.ts'
import type { DeliveryKey } from '../core/delivery.ts'
import type { DigestRule } from '../core/digest-rule.ts'
import type { RetryPolicy } from '../core/retry.ts'
import type { UnsubscribeSubject } from '../core/unsubscribe-token.ts'
import type { Database } from '../db/client.ts'
import type { Registry } from '../notifiers/registry.ts'
import type { Telemetry } from '../telemetry.ts'
import type { EraseSecrets } from './erase-secrets.ts'
import type { Sealing } from './sealing.ts'
import type { watchSettingNames } from './setting-names.ts'

/**
 * Tells the addresses of a delivery apart where they are written down, without saying what they are. Of the keys that are
 * `known` already it gives the one of this address, which an earlier secret of the server may have made.
 */
export type AddressKey = (address: string, known?: ReadonlySet<string>) => string

/** What an operation works with; `app.ts` puts it together. */
export interface Capabilities {
  readonly db: Database
  readonly clock: Clock
  readonly notifiers: Registry
  /** The content contract of a channel. */
  readonly contractOf: (channel: string) => z.ZodType
  /** Whether a channel needs an address. */
  readonly needsAddress: (channel: string) => boolean
  readonly addressKey: AddressKey
  /** Where the service is found from outside, without a slash at its end; `null` where nobody has said. */
  readonly publicUrl: string | null
  /** The link by which a recipient switches something off; `null` where nobody has said where links lead. */
  readonly unsubscribeUrl: (subject: UnsubscribeSubject) => string | null
  /** How what has no adapter with a policy of its own is tried again. */
  readonly retry: RetryPolicy
  /** The zone of quiet hours for recipients without one; UTC where `null`. */
  readonly defaultTimeZone: string | null
  /** The configuration's own; those that decide are stored. */
  readonly digestRules: readonly DigestRule[]
  readonly telemetry: Telemetry
  /** Tells the log of settings about what no notifier has. */
  readonly watchSettingNames: ReturnType<typeof watchSettingNames>
  /** For secret fields of payloads. */
  readonly sealing: Sealing
  readonly eraseSecrets: EraseSecrets
  /** Hints, given after commits; nothing depends on their arrival. */
  readonly hints: Hints
}

export interface Hints {
  /** These inboxes have changed. */
  inboxesMoved(inboxes: readonly InboxKey[]): void
  /** There is work that is due now. */
  workDue(): void
  /** These deliveries are new, or in another state. Costs nothing while nobody follows them. */
  deliveriesChanged(deliveries: readonly DeliveryKey[]): void
}
