import type { IncomingMessage } from 'node:http'

/**
 * Sees to it that no body grows beyond a limit. One whose length is announced is left to be read where it is needed
 * (`null`): Node holds it to that length. Any other is read here.
 */
export const readBody = async (request: IncomingMessage, limit: number): Promise<Buffer | 'too_large' | null> => {
  const announced = request.headers['content-length']
  if (announced !== undefined) return Number(announced) > limit ? 'too_large' : null
  if (request.headers['transfer-encoding'] === undefined) return null
  return collect(request, limit)
}

/** A body as it came, whole. */
export const readWhole = async (request: IncomingMessage, limit: number): Promise<Buffer | 'too_large'> =>
  Number(request.headers['content-length'] ?? 0) > limit ? 'too_large' : collect(request, limit)

const collect = async (request: IncomingMessage, limit: number): Promise<Buffer | 'too_large'> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) return 'too_large'
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
