import { z } from 'zod'
import { defineNotifier } from '../../server/index.ts'

/** To the inbox alone, for whomever the caller names. */
export const greeting = defineNotifier({
  key: 'greeting',
  version: 1,
  payload: z.object({ text: z.string() }),
  channels: ['in_app'],
  render: { in_app: ({ payload }) => ({ title: payload.text }) },
})

/** To the inbox and by e-mail, in a category. */
export const mention = defineNotifier({
  key: 'comment.mentioned',
  version: 2,
  category: 'comments',
  payload: z.object({ author: z.string(), text: z.string().default('') }),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload }) => ({ title: `${payload.author} mentioned you`, body: payload.text }),
    email: ({ payload }) => ({ subject: 'Mention', html: `<p>${payload.text}</p>`, text: payload.text }),
  },
})

/** By e-mail alone, in another category. */
export const invoice = defineNotifier({
  key: 'invoice.sent',
  version: 1,
  category: 'billing',
  payload: z.object({ number: z.number() }),
  channels: ['email'],
  render: {
    email: ({ payload: { number } }) => ({ subject: `Invoice ${number}`, html: '', text: `Invoice ${number}` }),
  },
})

/** Cannot be switched off. */
export const alarm = defineNotifier({
  key: 'security.alarm',
  version: 1,
  category: 'security',
  required: true,
  payload: z.object({}),
  channels: ['in_app', 'email'],
  render: {
    in_app: () => ({ title: 'Somebody signed in' }),
    email: () => ({ subject: 'Somebody signed in', html: '', text: 'Somebody signed in' }),
  },
})

/** Names its recipients itself, with a detail of each. */
export const teamNews = defineNotifier({
  key: 'team.news',
  version: 1,
  payload: z.object({ members: z.array(z.string()) }),
  recipients: ({ payload }) => payload.members.map((id) => ({ id, displayName: `${id} of the team` })),
  channels: ['in_app'],
  render: { in_app: ({ recipient }) => ({ title: `Hello ${recipient.displayName}` }) },
})

/** On a channel of a host's own, which needs no address. */
export const page = defineNotifier({
  key: 'pager.call',
  version: 1,
  payload: z.object({ code: z.number().default(0) }),
  channels: ['pager'],
  render: { pager: ({ payload }) => ({ code: payload.code }) },
})

/** On two channels that need no address. */
export const siren = defineNotifier({
  key: 'siren.call',
  version: 1,
  payload: z.object({}),
  channels: ['pager', 'siren'],
  render: { pager: () => ({}), siren: () => ({}) },
})

/** To the inbox, and as a text message to those who have not read it within a quarter of an hour. */
export const reminder = defineNotifier({
  key: 'task.due',
  version: 1,
  category: 'tasks',
  payload: z.object({ task: z.string().default('the report') }),
  channels: ['in_app', 'sms'],
  fallback: { sms: { after: '15m' } },
  render: {
    in_app: ({ payload }) => ({ title: `Due: ${payload.task}` }),
    sms: ({ payload }) => ({ text: `Due: ${payload.task}` }),
  },
})
