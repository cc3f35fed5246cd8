import { pino } from 'pino'
import { expect, test } from 'vitest'
import { log } from '../../server/adapters/log.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
import { describeAdapter } from './contract.ts'

const message = (changes = {}) => sampleMessage({ subject: 'Secret subject', text: 'Secret text' }, changes)

const recording = (name?: string) => {
  const lines: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  return { lines, adapter: log({ logger, ...(name && { name }) }) }
}

describeAdapter('log', { makeAdapter: () => recording().adapter, message })

test('it writes one structured line a message, which names the delivery and the recipient', async () => {
  const { lines, adapter } = recording('dev-log')
  await adapter.deliver(message({ attemptNumber: 3 }), new AbortController().signal)
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    adapter: 'dev-log',
    channel: 'email',
    notificationKey: 'comment.mentioned',
    deliveryId: 'RGVsaXZlcnk6MQ',
    attemptNumber: 3,
    recipientId: 'user-1',
  })
})

test('it writes neither address nor content nor who the recipient is', async () => {
  const { lines, adapter } = recording()
  await adapter.deliver(message(), new AbortController().signal)
  expect(lines.join()).not.toMatch(/secret|\bada\b|example\.test|lovelace|1234567/i)
})

test('it is called log and writes to standard output unless told otherwise', () => {
  expect(log().name).toBe('log')
})
