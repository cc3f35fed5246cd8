import type { IncomingMessage, ServerResponse } from 'node:http'

/** Answers one address with something for people. */
export type Page = (request: IncomingMessage, response: ServerResponse) => void
