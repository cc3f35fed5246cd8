import { SimulateTriggerDocument } from '../../client-sdk/index.ts'
import type { Environment } from '../environment.ts'
import { withServer } from './ask.ts'
import type { ServerOptions } from './commands/server-options.ts'
import { readPayload, readRecipient } from './json-input.ts'
import { say, sayJson, shownTime, table } from './output.ts'

interface SimulateCommand {
  readonly server: ServerOptions
  readonly notificationKey: string
  readonly payload: string | undefined
  readonly recipients: readonly string[]
  readonly topics: readonly string[]
  readonly actorId: string | undefined
  readonly at: string | undefined
  readonly json: boolean
}

/** `carillon simulate`: what a trigger would do, decided by the server as it would decide the trigger itself. */
export const simulate = async (environment: Environment, command: SimulateCommand): Promise<void> => {
  const { notificationKey, actorId, at } = command
  const input = {
    notificationKey,
    payload: await readPayload(command.payload),
    recipients: command.recipients.map(readRecipient),
    topics: command.topics,
    ...(actorId !== undefined && { actorId }),
    ...(at !== undefined && { at }),
  }
  const { simulateTrigger } = await withServer(environment, command.server, (client) =>
    client.request(SimulateTriggerDocument, { input }),
  )
  if (command.json) return sayJson(simulateTrigger)
  const { recipientCount, recipients } = simulateTrigger
  say(
    `${notificationKey} at ${shownTime(simulateTrigger.at)}: ${recipientCount} recipient${recipientCount === 1 ? '' : 's'}`,
  )
  const rows = recipients.flatMap(({ recipientId, deliveries }) =>
    deliveries.map(({ channel, stepKey, verdict, summary }) => [
      recipientId,
      stepKey ? `${channel} (${stepKey})` : channel,
      verdict,
      summary,
    ]),
  )
  if (rows.length > 0) say(`\n${table(['recipient', 'channel', 'verdict', 'what would happen'], rows)}`)
  if (recipients.length < recipientCount)
    say(`\nThese are the first ${recipients.length} of ${recipientCount} recipients.`)
}
