import type { TestCarillon } from './carillon.ts'

/** Every night from ten until eight. */
export const NIGHT = { start: '22:00', end: '08:00' }

/** Says when a recipient may be told, and how often. */
export const setPolicy = (carillon: TestCarillon, recipientId: string, settings: object): Promise<unknown> =>
  carillon.ok(
    carillon.backendKey,
    'mutation ($input: SetPolicySettingsInput!) { setPolicySettings(input: $input) { preferences { recipientId } } }',
    { input: { recipientId, ...settings } },
  )

/** Switches something off for a recipient. */
export const switchOff = (carillon: TestCarillon, recipientId: string, preference: object): Promise<unknown> =>
  carillon.ok(
    carillon.backendKey,
    'mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { preferences { recipientId } } }',
    { input: { recipientId, preferences: [{ ...preference, enabled: false }] } },
  )

export const subscribe = (
  carillon: TestCarillon,
  topicKey: string,
  recipientIds: readonly string[],
): Promise<unknown> =>
  carillon.ok(
    carillon.backendKey,
    'mutation ($input: TopicSubscriptionInput!) { subscribeToTopic(input: $input) { topic { id } } }',
    { input: { topicKey, recipientIds } },
  )
