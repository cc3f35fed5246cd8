import { z } from 'zod'

const action = z.strictObject({ label: z.string().min(1), url: z.string().min(1) })

/** What a channel's content has to look like before it may leave; a channel that is not named takes any JSON object. */
export const RENDER_CONTRACTS = {
  in_app: z.strictObject({
    title: z.string().min(1),
    body: z.string().optional(),
    primaryAction: action.optional(),
    secondaryAction: action.optional(),
    data: z.json().optional(),
  }),
  email: z.strictObject({
    // A line break in a header would let content add headers of its own.
    subject: z.string().regex(/^[^\r\n]*$/, 'must be a single line'),
    html: z.string(),
    text: z.string(),
  }),
  sms: z.strictObject({ text: z.string().min(1) }),
  push: z.strictObject({ title: z.string(), body: z.string(), data: z.record(z.string(), z.json()).optional() }),
  chat: z.strictObject({ text: z.string(), blocks: z.array(z.json()).optional() }),
} as const

const anyObject = z.record(z.string(), z.json())

/** The contract of a channel: the configuration's own, else the built-in one, else any JSON object. */
export const contractOf = (channel: string, own: Readonly<Record<string, { content: z.ZodType }>> = {}): z.ZodType =>
  own[channel]?.content ?? (RENDER_CONTRACTS as Record<string, z.ZodType>)[channel] ?? anyObject

export interface InAppContent {
  title: string
  body?: string | undefined
  primaryAction?: { label: string; url: string } | undefined
  secondaryAction?: { label: string; url: string } | undefined
  data?: unknown
}
export interface EmailContent {
  subject: string
  html: string
  text: string
}
export interface SmsContent {
  text: string
}
export interface PushContent {
  title: string
  body: string
  data?: Record<string, unknown> | undefined
}
export interface ChatContent {
  text: string
  blocks?: unknown[] | undefined
}

/** Content by channel; a channel that is not named here takes any JSON object. */
export interface ChannelContent {
  in_app: InAppContent
  email: EmailContent
  sms: SmsContent
  push: PushContent
  chat: ChatContent
}
export type ContentOf<C extends string> = C extends keyof ChannelContent ? ChannelContent[C] : Record<string, unknown>
