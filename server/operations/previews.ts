import { mergeRecipient, type Recipient } from '../core/recipient.ts'
import { recipientFault } from '../core/trigger-request.ts'
import { loadRecipients, type RecipientRow } from '../db/sql/load-recipients.ts'
import { readAsTenant } from '../db/transaction.ts'
import type { InputPath } from '../errors.ts'
import { wholePayload } from '../notifiers/invoke.ts'
import type { Capabilities } from './capabilities.ts'
import { toRecipient } from './recipients-known.ts'
import { type Rendered, renderContent } from './render-content.ts'
import { blaming, checkPayload, definitionFor, refuse } from './trigger/check.ts'

/** What is to be rendered, and for whom. */
export interface PreviewRequest {
  readonly notificationKey: string
  readonly payload: unknown
  /** Details given here come on top of those that are stored. */
  readonly recipient: Recipient
  readonly channel: string
}

const INTENT = { intent: 'preview' } as const

/**
 * One channel's content as it would be sent now, by the same code, checks and limits. Nothing is written. Errors name
 * `path`; where the notifier's code fails, the caller is told which notifier, and the log why.
 */
export const previewRendering = async (
  capabilities: Capabilities,
  {
    tenantId,
    request,
    path,
  }: { readonly tenantId: string; readonly request: PreviewRequest; readonly path: InputPath },
): Promise<Rendered> => {
  const { payload, recipient, channel } = request
  const at = { path, ...INTENT }
  const definition = definitionFor(capabilities, request.notificationKey, at)
  await checkPayload(capabilities, definition, { tenantId, payload, ...at })
  refuse(definition, recipientFault(recipient, [...path, 'recipient']), at)
  if (!Object.hasOwn(definition.render, channel)) {
    const rendered = Object.keys(definition.render).sort().join(', ')
    refuse(definition, { path: [...path, 'channel'], message: `is none that it renders; those are ${rendered}` }, at)
  }
  const given = { ...recipient, id: recipient.id.trim() }
  const [stored] = await readAsTenant(capabilities.db.tenant, tenantId, (tx) =>
    tx.query<RecipientRow>(loadRecipients([{ tenantId, recipientId: given.id }])),
  )
  const shown = mergeRecipient(stored && toRecipient(stored), given)
  return blaming(capabilities, { tenantId, definition }, () =>
    renderContent(capabilities, definition, {
      channel,
      payload: wholePayload(definition, payload),
      recipient: shown,
    }),
  )
}
