import { mergeSecrets, secretDepth } from '../core/secret-fields.ts'
import type { EventRow } from '../db/sql/load-events-by-key.ts'
import type { GivenPayload } from '../notifiers/invoke.ts'
import type { AnyDefinition } from '../notifiers/notifier.ts'
import { secretPathsOf } from '../notifiers/secret-paths.ts'
import type { Capabilities } from './capabilities.ts'

const ERASED = 'its secret fields have been erased'
const NOT_OURS = "its secret fields cannot be opened with this server's key"

/** The payload of an event that was accepted earlier, put together again as far as its secret fields are still there. */
export const storedPayload = (
  { sealing }: Pick<Capabilities, 'sealing'>,
  definition: AnyDefinition,
  event: Pick<EventRow, 'tenant_id' | 'id' | 'payload' | 'has_secrets' | 'sealed_payload'>,
): GivenPayload => {
  const { payload, sealed_payload: sealed } = event
  if (!event.has_secrets) return { open: payload, closed: payload, missing: null, secrets: [] }
  const secrets = sealed && sealing.open({ tenantId: event.tenant_id, id: event.id }, sealed)
  if (!secrets) return { open: payload, closed: payload, missing: sealed ? NOT_OURS : ERASED, secrets: [] }
  const paths = secretPathsOf(definition)
  return {
    open: mergeSecrets(payload, secrets),
    // What the code does not mark any more would not be taken out again: it stays null.
    closed: mergeSecrets(
      payload,
      secrets.filter(([at]) => secretDepth(paths, at) !== null),
    ),
    missing: null,
    secrets: secrets.map(([, value]) => value),
  }
}
