import type { IncomingMessage } from 'node:http'

/**
 * The credential that came with a request; `null` where there is none. A token in the address is taken for streams of
 * events alone, since a browser's EventSource can send no header; API keys are not taken from there, where logs see them.
 */
export const credentialOf = ({ headers, method, url = '' }: IncomingMessage): string | null => {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  if (bearer) return bearer
  const query = url.indexOf('?')
  if (method !== 'GET' || query < 0) return null
  const token = new URLSearchParams(url.slice(query + 1)).get('token')
  const isToken = token !== null && token.split('.').length === 3
  return isToken ? token : null
}
