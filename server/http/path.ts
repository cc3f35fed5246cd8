import type { IncomingMessage } from 'node:http'

/** The path that a request is for. By hand: what a client may send is no URL at times, such as `//`. */
export const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] as string
