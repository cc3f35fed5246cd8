/** What `import ... from 'carillon'` gives: everything a host's configuration is written with. */
export {
  type Adapter,
  type DeliverResult,
  type OutgoingMessage,
  type ProviderEvent,
  type Retry,
  type WebhookRequest,
  WebhookSignatureError,
  WebhookUnavailableError,
} from './adapters/adapter.ts'
export { log } from './adapters/log.ts'
export { memory } from './adapters/memory.ts'
export { type MailgunOptions, mailgun } from './adapters/receivers/mailgun.ts'
export { type PostmarkOptions, postmark } from './adapters/receivers/postmark.ts'
export type { Receiver } from './adapters/receivers/receiver.ts'
export { type ResendOptions, resend } from './adapters/receivers/resend.ts'
export { type SendgridOptions, sendgrid } from './adapters/receivers/sendgrid.ts'
export { type SesOptions, ses } from './adapters/receivers/ses.ts'
export { type StandardWebhooksOptions, standardWebhooks } from './adapters/receivers/standard-webhooks.ts'
export { type SlackOptions, slack } from './adapters/slack.ts'
export { smtp } from './adapters/smtp.ts'
export { type TwilioOptions, twilio } from './adapters/twilio.ts'
export { type WebPushOptions, webPush } from './adapters/web-push.ts'
export { webhook } from './adapters/webhook.ts'
export { type CarillonConfig, defineConfig } from './config.ts'
export type { DigestRuleDefinition } from './core/digest-rule.ts'
export type { Duration } from './core/duration.ts'
export type { Recipient } from './core/recipient.ts'
export type {
  ChannelContent,
  ChatContent,
  EmailContent,
  InAppContent,
  PushContent,
  SmsContent,
} from './core/render-contracts.ts'
export type { WorkflowOutcome } from './core/workflow/definition.ts'
export {
  type DigestRenderContext,
  defineNotifier,
  type NextRule,
  type Notifier,
  type NotifierDefinition,
  type RenderContext,
  secret,
  type Target,
  type WorkflowStep,
} from './notifiers/notifier.ts'
