import type { GraphQLAnswer, TestCarillon } from './carillon.ts'

const SIMULATE = `query ($input: SimulateTriggerInput!) {
  simulateTrigger(input: $input) {
    at recipientCount
    recipients {
      recipientId
      deliveries {
        channel verdict reason nextEligibleAt summary
        decisions { checkpoint at rule verdict reason facts }
      }
    }
  }
}`

/** A simulation of a trigger that would be accepted as it stands. */
const simulationInput = (input: Record<string, unknown>): Record<string, unknown> => ({
  notificationKey: 'greeting',
  payload: { text: 'hello' },
  recipients: [{ id: 'ada' }],
  ...input,
})

/** Simulates, and fails where that is refused. */
export const simulate = async (
  carillon: TestCarillon,
  input: Record<string, unknown> = {},
): Promise<GraphQLAnswer['data']> =>
  (await carillon.ok(carillon.backendKey, SIMULATE, { input: simulationInput(input) })).simulateTrigger

export const trySimulate = (carillon: TestCarillon, input: Record<string, unknown> = {}): Promise<GraphQLAnswer> =>
  carillon.ask(carillon.backendKey, SIMULATE, { input: simulationInput(input) })
