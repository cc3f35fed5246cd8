import { expect, test } from 'vitest'
import { type CarrierEvents, openCarriedBus } from '../../server/realtime/carried-bus.ts'
import { createTelemetry } from '../../server/telemetry.ts'

test('a carrier that is lost is told of once, however often it fails to come back, and not when it is closed', async () => {
  const telemetry = createTelemetry()
  const told: string[] = []
  for (const name of ['bus.connected', 'bus.lost', 'bus.reconnected'] as const)
    telemetry.on(name, () => void told.push(name))
  let events: CarrierEvents | undefined
  const away = new Error('away')
  const bus = await openCarriedBus(telemetry, async (given) => {
    events = given
    given.listening()
    return { maxPayloadBytes: 1_000, send: async () => {}, close: async () => given.lost(away) }
  })
  for (let tries = 0; tries < 3; tries++) events?.lost(away)
  events?.listening()
  await bus.close()
  expect(told).toEqual(['bus.connected', 'bus.lost', 'bus.reconnected'])
})
