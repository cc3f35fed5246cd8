/** Every reason that planning, suppression and cancellation can give, with its meaning in words for a support person. */
export const REASONS = {
  channel_disabled: 'The recipient switched this notification or this channel off.',
  category_disabled: 'The recipient switched this category of notifications off.',
  missing_address: 'The recipient has no address for this channel.',
  retries_exhausted: 'The provider could not take it, and all tries were used up.',
  permanent_failure: 'The provider refused it for good.',
  bounced: 'The provider said that the address does not exist or takes no messages.',
  event_cancelled: 'The event was cancelled before this was handed to a provider.',
  planning_failed: "The notifier's own code failed for this recipient.",
} as const
export type ReasonCode = keyof typeof REASONS
