import addressparser from 'nodemailer/lib/addressparser'

// Stricter than RFC 5322 on purpose: without commas, brackets, spaces and line breaks an address cannot become two,
// nor a header, nor an SMTP command. A quoted local part, which may hold them, is not worth its risk.
const MAILBOX = /^[^\s\p{Cc}<>()[\],;:\\"@]{1,64}@(?:[^\s\p{Cc}<>()[\],;:\\"@]{1,255}|\[[0-9A-Fa-f.:IPv]{2,60}\])$/u

/** Whether it is the address of exactly one mailbox, such as `ada@example.test`, and nothing else beside it. */
export const isMailbox = (address: string): boolean => MAILBOX.test(address)

/** The one mailbox of `ada@example.test` or `Ada <ada@example.test>`; `null` where it is none, or several. */
export const parseMailbox = (text: string): { name: string; address: string } | null => {
  if (/\p{Cc}/u.test(text)) return null
  const [first, ...others] = addressparser(text)
  if (!first || others.length > 0 || first.group !== undefined || !isMailbox(first.address)) return null
  return { name: first.name, address: first.address }
}
