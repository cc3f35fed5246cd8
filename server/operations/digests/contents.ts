import { digestContent, SHOWN_ITEMS } from '../../core/digest-content.ts'
import { jsonFault } from '../../core/json-limits.ts'
import type { Recipient } from '../../core/recipient.ts'
import type { Database } from '../../db/client.ts'
import { type DigestItemRow, readDigests } from '../../db/sql/read-digests.ts'
import { renderDigest, renderIdentity } from '../../notifiers/invoke.ts'
import type { AnyDefinition } from '../../notifiers/notifier.ts'
import { canRenderStep } from '../../notifiers/workflow.ts'
import type { Capabilities } from '../capabilities.ts'
import { type Rendered, refuseUnsendable, renderContent } from '../render-content.ts'
import { storedPayload } from '../stored-payload.ts'

/** What a digest is made of. */
export interface Digest {
  readonly windowStartsAt: Date
  readonly windowEndsAt: Date
  /** Oldest first. */
  readonly items: readonly DigestItemRow[]
}

/** Reads what these digests hold, by the ids of their deliveries, all in one statement; none is asked where there is none. */
export const loadDigests = async (
  { system }: Pick<Database, 'system'>,
  deliveries: readonly { readonly tenantId: string; readonly id: string }[],
): Promise<ReadonlyMap<string, Digest>> => {
  const found = new Map<string, Digest & { readonly items: DigestItemRow[] }>()
  if (deliveries.length === 0) return found
  const { rows } = await system.query<DigestItemRow>(readDigests(deliveries))
  for (const row of rows) {
    const own = found.get(row.digest_delivery_id)
    if (own) own.items.push(row)
    else {
      const { window_starts_at: windowStartsAt, window_ends_at: windowEndsAt } = row
      found.set(row.digest_delivery_id, { windowStartsAt, windowEndsAt, items: [row] })
    }
  }
  return found
}

interface Rendering {
  readonly channel: string
  readonly digest: Digest
  readonly recipient: Recipient
}

/** The notifier whose own template makes the whole digest: the one that all of it comes from, where it has one. */
const ownTemplateOf = ({ notifiers }: Capabilities, { channel, digest }: Rendering): AnyDefinition | null => {
  const keys = new Set(digest.items.map((item) => item.notification_key))
  const [key] = keys
  const definition = keys.size === 1 && key !== undefined ? notifiers.get(key) : undefined
  return definition?.renderDigest?.[channel] ? definition : null
}

const renderOwn = async (
  capabilities: Capabilities,
  definition: AnyDefinition,
  { channel, digest, recipient }: Rendering,
): Promise<Rendered> => {
  const { windowStartsAt, windowEndsAt } = digest
  const items = digest.items.map((item) => ({
    payload: storedPayload(capabilities, definition, item),
    insertedAt: item.inserted_at,
  }))
  const contract = capabilities.contractOf(channel)
  const content = await renderDigest(definition, { channel, items, recipient, windowStartsAt, windowEndsAt, contract })
  refuseUnsendable(definition, `renderDigest.${channel}`, content)
  const { key, version } = renderIdentity(definition, channel)
  return { content, renderKey: `${key}.digest`, renderVersion: version }
}

/** Of its members' own content. One whose notifier is gone is counted, and not shown. */
const renderDefault = async (
  capabilities: Capabilities,
  { channel, digest, recipient }: Rendering,
): Promise<Rendered> => {
  const contents: Readonly<Record<string, unknown>>[] = []
  for (const item of digest.items) {
    if (contents.length === SHOWN_ITEMS) break
    const definition = capabilities.notifiers.get(item.notification_key)
    const stepKey = item.step_key
    if (!definition || !canRenderStep(definition, { stepKey, channel })) continue
    const payload = storedPayload(capabilities, definition, item)
    const { content } = await renderContent(capabilities, definition, { channel, stepKey, payload, recipient })
    contents.push(content as Readonly<Record<string, unknown>>)
  }
  if (contents.length === 0) throw new Error('The notifiers of everything in this digest are gone')
  const content = digestContent(channel, contents, digest.items.length)
  const parsed = await capabilities.contractOf(channel).safeParseAsync(content)
  if (!parsed.success || jsonFault(parsed.data, [])) {
    throw new Error(`The channel ${channel} takes no list of items: its notifiers need a renderDigest.${channel}`)
  }
  return { content: parsed.data, renderKey: `digest.${channel}`, renderVersion: 1 }
}

/** A digest's content: by its notifier's own template where all of it comes from one, else of its members' own content. */
export const renderWhole = (capabilities: Capabilities, rendering: Rendering): Promise<Rendered> => {
  const definition = ownTemplateOf(capabilities, rendering)
  return definition ? renderOwn(capabilities, definition, rendering) : renderDefault(capabilities, rendering)
}
