import { CarillonClientError } from './error.ts'

/** A WebSocket as browsers have it: `globalThis.WebSocket`, or the one of package `ws`. */
export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => object

const packageWs = async (): Promise<WebSocketConstructor> => {
  // By a name that bundlers do not follow: it is for Node before 22 alone.
  const name = 'ws'
  try {
    const { WebSocket } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as {
      readonly WebSocket: WebSocketConstructor
    }
    return WebSocket
  } catch (cause) {
    const message = 'There is no WebSocket here: give one as webSocketImpl, or install the package ws'
    throw new CarillonClientError('NO_WEBSOCKET', message, { cause })
  }
}

/** The WebSocket to use: the one given, else the platform's, else, in Node before 22, that of package `ws`. */
export const findWebSocket = async (given: WebSocketConstructor | undefined): Promise<WebSocketConstructor> => {
  const { WebSocket } = globalThis as { readonly WebSocket?: WebSocketConstructor }
  const Found = given ?? WebSocket ?? (await packageWs())
  return class extends Found {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols)
      // `ws` ends the process over an error that nobody listens to, such as that of a handshake given up.
      ;(this as { addEventListener?(type: string, listener: () => void): void }).addEventListener?.('error', () => {})
    }
  }
}
