/** One of a response's server-sent events. */
export interface StreamedEvent {
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the server said.
  readonly data: any
}

/** The server-sent events of a response, until it ends. Comments, which keep it alive, are left out. */
export async function* eventsOf(response: Response): AsyncGenerator<StreamedEvent, undefined> {
  let text = ''
  const decoder = new TextDecoder()
  if (!response.body) return
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1)
      const event = field('event')?.trim()
      if (event) yield { event, data: JSON.parse(field('data')?.trim() || 'null') }
    }
  }
}
