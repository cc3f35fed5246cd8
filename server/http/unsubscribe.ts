import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App } from '../app.ts'
import type { UnsubscribeSubject } from '../core/unsubscribe-token.ts'
import { unsubscribe } from '../operations/unsubscribe.ts'
import { readWhole } from './body.ts'

/*
 * RFC 8058: the link's page changes nothing, since mail scanners follow every link. What is posted to it does, whether a
 * mailbox provider posts it or a person's browser: `List-Unsubscribe=One-Click`.
 */

/** The form of a browser, or of a mailbox provider, is some hundred bytes. */
const MAX_FORM_BYTES = 8 * 1024

const STYLE = `:root{color-scheme:light dark;font:1.125rem/1.5 system-ui,sans-serif}
body{margin:0 auto;padding:3rem 1.25rem;max-width:36rem}
h1{font-size:1.5rem;line-height:1.25}
strong{overflow-wrap:anywhere}
button{font:inherit;padding:.625rem 1.25rem;border:2px solid;border-radius:.5rem;background:transparent;color:inherit;cursor:pointer}
button:focus-visible{outline:3px solid;outline-offset:3px}`

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
  // The address is all that it takes to unsubscribe somebody.
  'referrer-policy': 'no-referrer',
} as const

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] as string)

const pageOf = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`

const whatOf = ({ category, notificationKey }: UnsubscribeSubject): string =>
  category === null
    ? `e-mail of the kind <strong>${escaped(notificationKey ?? '')}</strong>`
    : `e-mail of the category <strong>${escaped(category)}</strong>`

/** No action: it is posted to where the page was found, also behind a proxy that knows it under another path. */
const FORM = `<form method="post">
<input type="hidden" name="List-Unsubscribe" value="One-Click">
<button name="page" value="done">Unsubscribe</button>
</form>`

const askPage = (subject: UnsubscribeSubject): string =>
  pageOf('Unsubscribe?', `<p>You will get no more ${whatOf(subject)}.</p>\n${FORM}`)

const donePage = (subject: UnsubscribeSubject): string =>
  pageOf(
    'You are unsubscribed',
    `<p>You will get no more ${whatOf(subject)}. What is on its way already may still arrive.</p>`,
  )

const UNKNOWN_PAGE = pageOf(
  'This link does not work',
  '<p>It may have been cut off on its way. Copy the whole link from the e-mail, or unsubscribe with the button that your mailbox shows beside the sender.</p>',
)
const refusedPage = (why: string): string => pageOf('That did not work', `<p>${why}</p>`)

const send = (
  { method }: IncomingMessage,
  response: ServerResponse,
  page: string,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): void => {
  response.writeHead(status, { ...HEADERS, 'content-length': Buffer.byteLength(page), ...headers })
  response.end(method === 'HEAD' ? undefined : page)
}

/** The fields of a form as browsers and mailbox providers send them; `null` where it is none. */
const formOf = async (type: string, bytes: Buffer): Promise<FormData | null> => {
  try {
    return await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData()
  } catch {
    return null
  }
}

const FORM_TYPE = /^(application\/x-www-form-urlencoded|multipart\/form-data) *(;|$)/i

const answerPost = async (
  app: App,
  subject: UnsubscribeSubject,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> => {
  const type = request.headers['content-type'] ?? ''
  if (!FORM_TYPE.test(type)) {
    return send(request, response, refusedPage('What was sent is no form.'), { status: 415 })
  }
  const body = await readWhole(request, MAX_FORM_BYTES)
  if (body === 'too_large') {
    const headers = { connection: 'close' }
    return send(request, response, refusedPage('What was sent is too large.'), { status: 413, headers })
  }
  const form = await formOf(type, body)
  if (form?.get('List-Unsubscribe') !== 'One-Click') return send(request, response, askPage(subject), { status: 400 })
  await unsubscribe(app, subject)
  // A mailbox provider reads nothing of it.
  send(request, response, form.get('page') === 'done' ? donePage(subject) : '')
}

/** Answers the page behind a link to unsubscribe: a GET asks, a POST does it. A token that was never issued is a 404. */
export const answerUnsubscribe = async (
  app: App,
  token: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> => {
  const { method } = request
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
    const headers = { allow: 'GET, HEAD, POST' }
    return send(request, response, refusedPage('This address can be looked at, and posted to.'), {
      status: 405,
      headers,
    })
  }
  const subject = app.openUnsubscribeToken(token)
  if (!subject) return send(request, response, UNKNOWN_PAGE, { status: 404 })
  if (method === 'POST') return answerPost(app, subject, { request, response })
  send(request, response, askPage(subject))
}
