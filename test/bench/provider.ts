import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** A provider on loopback that hears of each marker that is sent to it, and answers at once or so much later. */
export const startProvider = async (
  heard: (marker: string) => void,
  { answerAfterMs = 0 }: { readonly answerAfterMs?: number } = {},
) => {
  const server = createServer(async (request, response) => {
    const at = (await json(request)) as { data: { content: { text: string } } }
    heard(at.data.content.text)
    if (answerAfterMs > 0) setTimeout(() => response.writeHead(200).end(), answerAfterMs)
    else response.writeHead(200).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
