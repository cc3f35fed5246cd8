import { defineNotifier } from 'carillon'
import { z } from 'zod'

/** Names its recipients itself, and tells them in the inbox and by e-mail. */
export const commentMentioned = defineNotifier({
  key: 'comment.mentioned',
  version: 1,
  category: 'comments',
  description: 'Somebody mentioned you in a comment.',
  payload: z.object({
    author: z.string(),
    text: z.string(),
    threadId: z.string(),
    mentioned: z.array(z.string()).describe('Ids of those who were mentioned.'),
  }),
  recipients: ({ payload }) => payload.mentioned.map((id) => ({ id })),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload }) => ({
      title: `${payload.author} mentioned you`,
      body: payload.text,
      primaryAction: { label: 'Reply', url: `/threads/${payload.threadId}` },
    }),
    email: ({ payload, recipient }) => ({
      subject: `${payload.author} mentioned you`,
      html: `<p>Hello ${escapeHtml(recipient.displayName ?? 'there')},</p><blockquote>${escapeHtml(payload.text)}</blockquote>`,
      text: payload.text,
    }),
  },
})

/** Cannot be switched off; the caller says who gets it, and large amounts go out by text message as well. */
export const invoicePaid = defineNotifier({
  key: 'invoice.paid',
  version: 1,
  category: 'billing',
  description: 'An invoice was paid.',
  required: true,
  payload: z.object({ invoiceId: z.string(), amount: z.number(), currency: z.string().length(3) }),
  channels: ({ payload }) => (payload.amount >= 1000 ? ['in_app', 'email', 'sms'] : ['in_app', 'email']),
  render: {
    in_app: ({ payload, recipient }) => ({
      title: `Invoice ${payload.invoiceId} is paid`,
      body: money(payload, recipient.locale),
      primaryAction: { label: 'Open', url: `/invoices/${payload.invoiceId}` },
    }),
    email: ({ payload, recipient }) => ({
      subject: `Invoice ${payload.invoiceId} is paid`,
      html: `<p>We received ${escapeHtml(money(payload, recipient.locale))}.</p>`,
      text: `We received ${money(payload, recipient.locale)}.`,
    }),
    sms: ({ payload, recipient }) => ({
      text: `Invoice ${payload.invoiceId}: ${money(payload, recipient.locale)} received.`,
    }),
  },
})

/** In the inbox alone. */
export const maintenancePlanned = defineNotifier({
  key: 'maintenance.planned',
  version: 1,
  category: 'operations',
  description: 'The service will be away for a while.',
  urgent: true,
  payload: z.object({ startsAt: z.iso.datetime(), minutes: z.number().int().positive() }),
  channels: ['in_app'],
  render: {
    in_app: ({ payload, recipient }) => ({
      title: 'Maintenance is planned',
      body: `From ${when(payload.startsAt, recipient)}, for ${payload.minutes} minutes.`,
    }),
  },
})

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const money = ({ amount, currency }: { amount: number; currency: string }, locale: string | null | undefined): string =>
  new Intl.NumberFormat(locale ?? 'en', { style: 'currency', currency }).format(amount)

const when = (instant: string, { locale, timeZone }: { locale?: string | null; timeZone?: string | null }): string =>
  new Intl.DateTimeFormat(locale ?? 'en', {
    dateStyle: 'long',
    timeStyle: 'short',
    timeZone: timeZone ?? 'UTC',
  }).format(new Date(instant))
