import { expect, test } from 'vitest'
import { createLogger, logTelemetry } from '../server/logging.ts'
import { createTelemetry } from '../server/telemetry.ts'

test.each([
  ['primary', 'an idle connection to the database died; it is replaced'],
  ['replica', 'an idle connection to the replica died; it is replaced'],
] as const)('a connection to the %s that is lost is logged as such', (to, expected) => {
  const lines: string[] = []
  const telemetry = createTelemetry()
  logTelemetry(telemetry, createLogger('info', { write: (line) => void lines.push(line) }))
  telemetry.emit('database.connection_lost', { to, error: new Error('gone') })
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ to, msg: expected }])
})
