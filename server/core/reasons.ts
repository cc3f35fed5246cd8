/** Every reason that planning, suppression and cancellation can give, with its meaning in words for a support person. */
export const REASONS = {
  channel_disabled: 'The recipient switched this notification or this channel off.',
  category_disabled: 'The recipient switched this category of notifications off.',
  missing_address: 'The recipient has no address for this channel.',
  address_bounced: 'A provider said that every address of the recipient for this channel takes no messages.',
  already_read: 'The notification had been read before this fallback channel was due.',
  digest_rule: 'It is held for a digest.',
  delivery_cap_reached: 'The recipient had got as many as a cap allows in its window.',
  quiet_hours: "It was the recipient's quiet hours.",
  fallback_delay: 'It is sent only if the notification is still unread when its delay is over.',
  expired: 'It was no longer wanted when its turn came: its event had expired.',
  retries_exhausted: 'The provider could not take it, and all tries were used up.',
  permanent_failure: 'The provider refused it for good.',
  bounced: 'The provider said that the address does not exist or takes no messages.',
  event_cancelled: 'The event was cancelled before this was handed to a provider.',
  cancelled_by_operator: 'An operator cancelled it.',
  channel_not_selected: "The notifier's code did not choose this step's channel for the recipient.",
  planning_failed: "The notifier's own code failed for this recipient.",
  recipient_erased: "The recipient's data was erased.",
} as const
export type ReasonCode = keyof typeof REASONS
