import type { Recipient } from '../core/recipient.ts'
import { secretWords } from '../core/secret-fields.ts'
import type { EventRow } from '../db/sql/load-events-by-key.ts'
import type { Capabilities } from './capabilities.ts'
import { type Digest, renderWhole } from './digests/contents.ts'
import { type Rendered, renderContent, storedDefinition } from './render-content.ts'
import { storedPayload } from './stored-payload.ts'

/** A delivery's content, and what nobody's words about it may quote. */
export interface Made {
  readonly rendered: Rendered
  readonly secrets: readonly string[]
}

/** What is needed to make a stored delivery's content. */
export interface ToRender {
  readonly event: EventRow
  readonly channel: string
  /** The workflow step that it is for; '' where it is for none. */
  readonly stepKey: string
  readonly recipient: Recipient
  /** What it holds, where it is a digest. */
  readonly digest: Digest | undefined
}

const secretsIn = (capabilities: Capabilities, { items }: Digest): readonly string[] =>
  items.flatMap((item) => {
    const definition = item.has_secrets && capabilities.notifiers.get(item.notification_key)
    return definition ? secretWords(storedPayload(capabilities, definition, item).secrets) : []
  })

/** Makes the content of a delivery that was planned earlier: by the code that the server has now. */
export const renderDelivery = async (
  capabilities: Capabilities,
  { event, channel, stepKey, recipient, digest }: ToRender,
): Promise<Made> => {
  if (event.is_digest) {
    if (!digest) throw new Error('What this digest holds is not stored any more')
    const rendered = await renderWhole(capabilities, { channel, digest, recipient })
    return { rendered, secrets: secretsIn(capabilities, digest) }
  }
  const definition = storedDefinition(capabilities, event.notification_key)
  const payload = storedPayload(capabilities, definition, event)
  const rendered = await renderContent(capabilities, definition, { channel, stepKey, payload, recipient })
  return { rendered, secrets: secretWords(payload.secrets) }
}
