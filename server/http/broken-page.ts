import type { ServerResponse } from 'node:http'
import type { Telemetry } from '../telemetry.ts'

/** Says that a page cannot be loaded. Why is for the log alone, since anybody may ask, and errors name files. */
export const answerBroken = (
  what: string,
  error: Error,
  { telemetry, response }: { readonly telemetry: Pick<Telemetry, 'emit'>; readonly response: ServerResponse },
): void => {
  telemetry.emit('request.failed', { error, errorId: null })
  response
    .writeHead(500, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    .end(`${what} cannot be loaded; the log of the server says why\n`)
}
