import { nameInWords } from '../wording.ts'

/** What happened, as the start of a sentence. An event that is not named here is told by its own name. */
const WORDS: Readonly<Record<string, string>> = {
  event_created: 'The event was accepted',
  notification_created: 'The recipient was found to be concerned',
  delivery_planned: 'The delivery was planned',
  claimed: 'A worker took it, and every rule let it pass',
  attempt_recorded: 'The provider was called',
  attempt_unknown: 'The worker died in the middle of the call: whether the provider took it is not known',
  attempt_held: 'It stays as it is until an operator decides, or the provider reports',
  retry_dropped: 'No further try is made',
  retry_scheduled: 'Another try was scheduled',
  webhook_received: 'The provider reported',
  deferred: 'It was put off',
  digest_held: 'It was held for a digest',
  digested: 'It went out as part of a digest',
  digest_emitted: 'The digest was made',
  suppressed: 'A rule stopped it',
  cancelled: 'It was cancelled',
  event_cancelled: 'Its event was cancelled',
  expired: 'It expired',
  resumed: 'It was let go on',
  retried: 'An operator had it tried again',
  notification_seen: 'The recipient saw it',
  notification_read: 'The recipient read it',
  notification_archived: 'The recipient put it away',
  recipient_erased: 'The recipient’s data was erased',
}

export const happeningWords = (event: string): string => {
  const words = nameInWords(event)
  return WORDS[event] ?? `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** What the tone of an entry is: it went well, badly, waits, or is only told. */
export const toneOf = (event: string, detail: Readonly<Record<string, unknown>>): 'good' | 'bad' | 'wait' | 'off' => {
  if (event === 'attempt_recorded' || event === 'webhook_received')
    return detail['outcome'] === 'succeeded' ? 'good' : 'bad'
  if (/cancelled|expired|suppressed|unknown/.test(event)) return 'bad'
  if (/deferred|held|retry/.test(event)) return 'wait'
  return /digested|emitted/.test(event) ? 'good' : 'off'
}
