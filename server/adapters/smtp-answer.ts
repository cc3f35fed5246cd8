import { providerReason } from '../core/provider-reason.ts'
import type { DeliverResult } from './adapter.ts'

/** What nodemailer's errors say, as far as it is asked here. */
export interface SmtpError extends Error {
  readonly code?: string
  /** The system's own code, such as ECONNREFUSED. */
  readonly originalCode?: string
  /** Which time limit ran out. */
  readonly timeoutType?: string
  /** The command that failed, `CONN` before the first and `API` where none was sent. */
  readonly command?: string
  readonly response?: string
  readonly responseCode?: number
}

// The client has to log in, or may not: this waits for whoever keeps the configuration, and the message is not at fault.
const LOGIN_REPLIES: readonly number[] = [530, 534, 535, 538]
const MAILBOX_REPLIES: readonly number[] = [550, 551, 553]
/** Errors of the message itself, found before anything was sent. */
const OWN_FAULTS: readonly (string | undefined)[] = ['EENVELOPE', 'EMESSAGE', 'EFILEACCESS', 'EURLACCESS', 'ESTREAM']

/** Whether a permanent refusal says that the recipient's mailbox is bad, rather than the sender, the message or a policy. */
const isBadMailbox = (command: string | undefined, code: number, response: string): boolean => {
  const enhanced = /^\d{3}[ -]5\.(\d{1,3})\.(\d{1,3})\b/.exec(response)
  const [subject, detail] = [Number(enhanced?.[1] ?? 0), Number(enhanced?.[2] ?? 0)]
  if (command === 'MAIL FROM') return false
  // 5.1.7 and 5.1.8 are about the sender's address.
  if (subject === 1) return detail !== 7 && detail !== 8
  if (subject === 2) return detail === 1
  // 5.7.1 comes with 550 too: a policy against this sender must not condemn the address.
  return subject === 0 && command === 'RCPT TO' && MAILBOX_REPLIES.includes(code)
}

/** What a failed try means. 5xx about the mailbox is a bounce, other 5xx about the message are permanent, all else is temporary. */
export const smtpFailure = (error: SmtpError, hidden: unknown): DeliverResult => {
  const { code, command, response = '', responseCode } = error
  if (responseCode === undefined) {
    const what = [error.originalCode ?? code ?? error.name, error.timeoutType].filter(Boolean).join(' ')
    // Without an answer the message of the error is the library's own, and may quote the address: the code will do.
    if (OWN_FAULTS.includes(code)) return { outcome: 'permanent', reason: `not sent: ${what}` }
    return { outcome: 'temporary', reason: `no answer: ${what}` }
  }
  // What a server says to a login may hold what was given to log in with, encoded.
  if (code === 'EAUTH' || LOGIN_REPLIES.includes(responseCode)) {
    return { outcome: 'temporary', reason: `login refused: ${responseCode}` }
  }
  const reason = providerReason(response, hidden)
  const aboutMessage = code === 'EENVELOPE' || code === 'EMESSAGE'
  // 503 says that the session was out of step, not that the message was refused.
  if (!aboutMessage || responseCode < 500 || responseCode > 599 || responseCode === 503) {
    return { outcome: 'temporary', reason }
  }
  return { outcome: isBadMailbox(command, responseCode, response) ? 'bounced' : 'permanent', reason }
}
