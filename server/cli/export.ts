import { rename, writeFile } from 'node:fs/promises'
import { ExportRecipientDocument } from '../../client-sdk/index.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'
import { withServer } from './ask.ts'
import type { ServerOptions } from './commands/server-options.ts'
import { answerNo, progress, sayJson, tell } from './output.ts'

interface ExportCommand {
  readonly server: ServerOptions
  readonly recipientId: string
  /** Where to; to stdout where `null`. */
  readonly output: string | null
}

interface Exported {
  readonly recipient: object | null
  readonly notifications: readonly object[]
  readonly [part: string]: unknown
}

/** Personal data: its owner's alone, and whole or not at all. */
const writePrivate = async (file: string, text: string): Promise<void> => {
  const draft = `${file}.${process.pid}.part`
  try {
    await writeFile(draft, text, { mode: 0o600, flag: 'wx' })
    await rename(draft, file)
  } catch (error) {
    throw new SetupError(`Cannot write ${file}: ${(error as Error).message}`)
  }
}

/** `carillon export`: all that is held about a recipient. */
export const exportData = async (environment: Environment, command: ExportCommand): Promise<void> => {
  const { recipientId, output } = command
  progress(`Reading all that is held about ${recipientId} ...`)
  const { exportRecipient } = await withServer(environment, command.server, (client) =>
    client.request(ExportRecipientDocument, { recipientId }),
  )
  const exported = exportRecipient as Exported
  if (exported.recipient === null && exported.notifications.length === 0) {
    answerNo()
    tell(`Nothing is held about ${recipientId}.`)
  }
  if (output === null) return sayJson(exported)
  const text = `${JSON.stringify(exported, null, 2)}\n`
  await writePrivate(output, text)
  const count = exported.notifications.length
  tell(
    `Wrote ${output}: ${count} notification${count === 1 ? '' : 's'}, ${Math.ceil(Buffer.byteLength(text) / 1024)} KB.`,
  )
}
