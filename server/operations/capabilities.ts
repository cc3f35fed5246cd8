import type { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { InboxKey } from '../core/cursor.ts'
import type { Database } from '../db/client.ts'
import type { Registry } from '../notifiers/registry.ts'
import type { Telemetry } from '../telemetry.ts'

/** What an operation works with; `app.ts` puts it together. */
export interface Capabilities {
  readonly db: Database
  readonly clock: Clock
  readonly notifiers: Registry
  /** The content contract of a channel. */
  readonly contractOf: (channel: string) => z.ZodType
  /** Whether a channel needs an address. */
  readonly needsAddress: (channel: string) => boolean
  /** The zone of quiet hours for recipients without one; UTC where `null`. */
  readonly defaultTimeZone: string | null
  readonly telemetry: Telemetry
  /** Hints, given after commits; nothing depends on their arrival. */
  readonly hints: Hints
}

export interface Hints {
  /** These inboxes have changed. */
  inboxesMoved(inboxes: readonly InboxKey[]): void
  /** There is work that is due now. */
  workDue(): void
}
