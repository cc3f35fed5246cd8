import { PreviewRenderingDocument } from '../../client-sdk/index.ts'
import type { Environment } from '../environment.ts'
import { withServer } from './ask.ts'
import type { ServerOptions } from './commands/server-options.ts'
import { readPayload, readRecipient } from './json-input.ts'
import { say, sayJson } from './output.ts'
import { UsageError } from './usage.ts'

interface PreviewCommand {
  readonly server: ServerOptions
  readonly notificationKey: string
  readonly channel: string
  readonly payload: string | undefined
  readonly recipient: string
  readonly field: string | undefined
  readonly json: boolean
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value, null, 2))

/** `carillon preview`: what would be rendered. */
export const preview = async (environment: Environment, command: PreviewCommand): Promise<void> => {
  const { notificationKey, channel, field } = command
  const input = {
    notificationKey,
    channel,
    payload: await readPayload(command.payload),
    recipient: readRecipient(command.recipient),
  }
  const { previewRendering } = await withServer(environment, command.server, (client) =>
    client.request(PreviewRenderingDocument, { input }),
  )
  const { renderKey, renderVersion } = previewRendering
  const content = previewRendering.content as Readonly<Record<string, unknown>>
  if (field !== undefined) {
    if (!Object.hasOwn(content, field)) {
      throw new UsageError(`The content has no ${JSON.stringify(field)}, but ${Object.keys(content).join(', ')}`)
    }
    return say(textOf(content[field]))
  }
  if (command.json) return sayJson(previewRendering)
  const parts = Object.entries(content).map(([name, value]) => {
    const text = textOf(value)
    return text.includes('\n') ? `${name}:\n${text.replace(/^/gm, '  ')}` : `${name}: ${text}`
  })
  say([`${channel}, rendered by ${renderKey} version ${renderVersion}`, '', ...parts].join('\n'))
}
